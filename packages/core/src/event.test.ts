import { describe, expect, it } from 'vitest';
import { actAt, NOW } from '../../../tests/fixtures/domain.ts';
import { eventOf, moment } from './event.ts';

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
      origin: { address: '192.0.2.1', requestId: 'request', sharedCredential: null },
      subject: { type: 'key', id: 'k' },
      before: null,
      after: null,
      owners: { now: null, former: null },
    });
  });
});

describe('time', () => {
  it('a moment is written as RFC 3339 in UTC', () => {
    expect([moment(0), moment(NOW), moment(null)]).toEqual([
      '1970-01-01T00:00:00.000Z',
      '2026-11-20T12:00:00.000Z',
      null,
    ]);
  });
});
