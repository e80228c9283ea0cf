// What every engine promises of the Storage port. An engine's own test opens a
// new store for each of these; what only that engine promises stands beside it.

import { describe } from 'vitest';
import { commitContract } from './commit.ts';
import { creditContract } from './credits.ts';
import { filterContract } from './filters.ts';
import { guardContract } from './guards.ts';
import { listContract } from './lists.ts';
import { memberContract } from './members.ts';
import { reachContract } from './reach.ts';
import type { OpenStore } from './store.ts';
import { usageContract } from './usage.ts';
import { windowContract } from './windows.ts';

export function storageContract(engine: string, open: OpenStore): void {
  describe(`the store in ${engine}`, () => {
    describe('commits', () => commitContract(open));
    describe('guards', () => guardContract(open));
    describe('reaches', () => reachContract(open));
    describe('credits', () => creditContract(open));
    describe('lists', () => listContract(open));
    describe('members', () => memberContract(open));
    describe('filters', () => filterContract(open));
    describe('usage', () => usageContract(open));
    describe('rate windows', () => windowContract(open));
  });
}
