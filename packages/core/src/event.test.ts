import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actAt, NOW, seededBytes } from '../../../tests/fixtures/domain.ts';
import { eventOf, moment, uuid7 } from './event.ts';

describe('an event', () => {
  const subject = { type: 'key', id: 'k', workspaceId: null } as const;

  it('holds only the members that changed, as they were and as they are', () => {
    const before = { a: 1, b: { c: [1] }, d: null, e: 'x' };
    const after = { a: 1, b: { c: [2] }, d: 'now', e: 'x' };
    const { before: was, after: is } = eventOf(actAt(), 'key.updated', subject, before, after);
    expect([was, is]).toEqual([
      { b: { c: [1] }, d: null },
      { b: { c: [2] }, d: 'now' },
    ]);
  });

  it('says who, when and from where', () => {
    expect(eventOf(actAt(), 'key.erased', subject, null, null)).toEqual({
      id: 'event-id',
      workspaceId: null,
      type: 'key.erased',
      createdAt: NOW,
      actor: { type: 'key', id: 'actor' },
      origin: { address: '192.0.2.1', requestId: 'request' },
      subject: { type: 'key', id: 'k' },
      before: null,
      after: null,
    });
  });
});

describe('a UUIDv7', () => {
  const random = seededBytes();
  const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  it('has the form of RFC 9562 and begins with its millisecond', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 10, maxLength: 10 }), (offset, bytes) => {
        const id = uuid7(NOW + offset, bytes);
        expect(id).toMatch(UUID7);
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(NOW + offset);
      }),
    );
    for (const at of [-1, 0, 2 ** 48 - 1]) expect(uuid7(at, random(10))).toMatch(UUID7);
  });

  it('sorts by time and does not repeat', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => uuid7(NOW + i, random(10)));
    expect(ids.toSorted()).toEqual(ids);
    const same = Array.from({ length: 1_000 }, () => uuid7(NOW, random(10)));
    expect(new Set(same).size).toBe(1_000);
  });

  it('a moment is written as RFC 3339 in UTC', () => {
    expect([moment(0), moment(NOW), moment(null)]).toEqual([
      '1970-01-01T00:00:00.000Z',
      '2026-11-20T12:00:00.000Z',
      null,
    ]);
  });
});
