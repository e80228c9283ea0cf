import { createHash, randomBytes } from 'node:crypto';
import type { Candidate } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { ownerWith, runs, standardKey, workspaceWith } from '../../../tests/fixtures/domain.ts';
import { createVerdictTable } from './verdict-table.ts';

const digestOf = (text: string) => createHash('sha256').update(text).digest('binary');
const idOf = (i: number) =>
  `01900000-0000-7000-8000-${(i * 2_654_435_761).toString(16).padStart(12, '0').slice(-12)}`;
const candidate = (i: number, more: object = {}): Candidate => ({
  key: standardKey({ id: idOf(i), name: `key ${i} ${'ü'.repeat(i % 50)}`, ...more }),
  owner: null,
  workspace: null,
});
const SMALL = 100 * 1024;
const newTable = (bytes: number) =>
  createVerdictTable(bytes, ({ key, owner, workspace }): Candidate => ({ key, owner, workspace }));

describe('the table of known keys', () => {
  it('gives back what was put, byte for byte, by its digest alone', () => {
    const table = newTable(SMALL);
    for (let i = 0; i < 100; i++) table.put(digestOf(`${i}`), candidate(i));
    for (let i = 0; i < 100; i++) {
      expect(table.entry(table.find(digestOf(`${i}`)))).toEqual(candidate(i));
    }
    expect(table.find(digestOf('another'))).toBe(-1);
  });

  it('compares the whole digest: one that shares 31 of its bytes is another', () => {
    const table = newTable(SMALL);
    const digest = digestOf('a');
    table.put(digest, candidate(1));
    for (let at = 0; at < 32; at++) {
      const other = String.fromCharCode(digest.charCodeAt(at) ^ 1);
      expect(table.find(digest.slice(0, at) + other + digest.slice(at + 1))).toBe(-1);
    }
  });

  it('gives every caller the same object, which none can change', () => {
    const table = newTable(SMALL);
    table.put(digestOf('a'), candidate(1));
    const found = table.entry(table.find(digestOf('a')));
    expect(table.entry(table.find(digestOf('a')))).toBe(found);
    expect(() => Object.assign(found.key, { name: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(found.key.metadata, { name: 'x' })).toThrow(TypeError);
  });

  it('that was emptied gives back an owner and a workspace as they were put since, also under a version that it knew', () => {
    // After a failover that lost it, another change had the same version: the old owner was judged.
    const table = newTable(SMALL);
    const found = (more: object): Candidate => {
      table.clear();
      const owner = ownerWith({ version: 2, ...more });
      const workspace = { ...workspaceWith(), ...more };
      table.put(digestOf('a'), { ...candidate(1), owner, workspace });
      return table.entry(table.find(digestOf('a')));
    };
    found({ name: 'before' });
    const { owner, workspace } = found({ suspendedAt: 1 });
    expect([owner?.suspendedAt, workspace?.suspendedAt]).toEqual([1, 1]);
  });

  it('agrees with a map, whatever is put, put again and removed, as long as nothing is dropped', () => {
    const table = newTable(2 * 1024 * 1024);
    const model = new Map<string, Candidate>();
    for (let step = 0; step < runs(20_000, 400_000); step++) {
      const [a = 0, b = 0, c = 0] = randomBytes(3);
      const i = (a * 256 + b) % 300;
      const digest = digestOf(`${i}`);
      if (c < 150) {
        const put = candidate(i, { version: c });
        table.put(digest, put);
        model.set(digest, put);
      } else if (c < 250) {
        table.removeKey(idOf(i));
        model.delete(digest);
      } else if (c === 255) {
        table.clear();
        model.clear();
      }
      const row = table.find(digest);
      expect(row < 0 ? undefined : table.entry(row)).toEqual(model.get(digest));
    }
  });

  it('drops the oldest first when it is full, and never gives one key for another', () => {
    const table = newTable(SMALL);
    const sizes = [0, 500, 3_000, 20_000];
    for (let i = 0; i < 5_000; i++) {
      const metadata = { fill: 'x'.repeat(sizes[i % sizes.length] ?? 0) };
      table.put(digestOf(`${i}`), candidate(i, { metadata }));
      for (const back of [0, 1, 2, 5, 20, 100, 1_000]) {
        const row = i < back ? -1 : table.find(digestOf(`${i - back}`));
        if (row >= 0) expect(table.entry(row).key.id).toBe(idOf(i - back));
      }
      if (i % sizes.length !== 3) expect(table.find(digestOf(`${i}`))).toBeGreaterThanOrEqual(0);
    }
  });

  it('use does not keep an entry: the one asked for all the time leaves in its turn', () => {
    const table = newTable(SMALL);
    table.put(digestOf('first'), candidate(0));
    let i = 1;
    for (; table.find(digestOf('first')) >= 0; i++) table.put(digestOf(`${i}`), candidate(i));
    expect(i).toBeLessThanOrEqual(table.rows + 1);
  });

  it('of more kinds of keys than it tells apart keeps each, and says of none what is not so', () => {
    const table = newTable(32 * 1024 * 1024);
    const count = 17_000;
    for (let i = 0; i < count; i++)
      table.put(digestOf(`${i}`), candidate(i, { scopes: [`s${i}`] }));
    const ask = { within: null, environment: null, scopes: ['s16999'] };
    for (const i of [0, 1, 16_383, 16_384, 16_999]) {
      const row = table.find(digestOf(`${i}`));
      expect(table.entry(row).key.id).toBe(idOf(i));
      expect(table.isGood(row, ask, 0)).toBe(false);
    }
    expect(table.isGood(table.find(digestOf('5')), { ...ask, scopes: ['s5'] }, 0)).toBe(true);
  });

  it('removes every key of an owner or a workspace, and no other', () => {
    const table = newTable(SMALL);
    const [mine, theirs] = [idOf(901), idOf(902)];
    for (let i = 0; i < 60; i++) {
      const id = i % 2 ? mine : theirs;
      const of = i < 30 ? { owner: ownerWith({ id }) } : { workspace: { ...workspaceWith(), id } };
      table.put(digestOf(`${i}`), { ...candidate(i), ...of });
    }
    const left = () =>
      Array.from({ length: 60 }, (_, i) => i).filter((i) => table.find(digestOf(`${i}`)) >= 0);
    table.removeOwner(mine);
    expect(left()).toEqual(
      Array.from({ length: 60 }, (_, i) => i).filter((i) => i >= 30 || i % 2 === 0),
    );
    table.removeWorkspace(theirs);
    expect(left()).toHaveLength(30);
  });
});
