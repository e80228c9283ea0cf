// The real service for tests of an app: nothing of it is faked but the clock, which the
// test sets. Its database is in a folder of its own that goes with it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWarder, type EmbeddedWarder } from './embed.ts';
import type { EmbedOptions } from './embed-options.ts';
import { createLog } from './log.ts';

export interface TestWarderOptions
  extends Omit<EmbedOptions, 'database' | 'secret' | 'peppers' | 'now'> {
  /** The moment that its clock begins at, in milliseconds since 1970; 2026-01-01 unless given. */
  readonly now?: number | undefined;
}

/** Stands still until the test moves it. */
export interface TestClock {
  /** Milliseconds since 1970. */
  now(): number;
  set(moment: number | Date): void;
  /** All of what is named is added. */
  advance(by: {
    readonly days?: number;
    readonly hours?: number;
    readonly minutes?: number;
    readonly seconds?: number;
  }): void;
}

export interface TestWarder extends EmbeddedWarder {
  readonly clock: TestClock;
  /** A management key of the instance, for calls over HTTP. */
  readonly managementKey: string;
}

/** For a few thousand keys. */
const CACHE_BYTES = 4 * 1024 ** 2;
const START = Date.UTC(2026, 0, 1);

/** A service of the test's own, empty but for its management key. It ends, and its files go, with `close()`. */
export async function createTestWarder(options: TestWarderOptions = {}): Promise<TestWarder> {
  const { now = START, log = createLog('silent'), ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), 'warder-test-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const clock = createClock(now);
  const warder = await createWarder({
    cacheBytes: CACHE_BYTES,
    ...rest,
    log,
    database: join(folder, 'warder.db'),
    now: clock.now,
  });
  const { secret } = await warder.operations.createKey({
    name: 'Management key of the test',
    kind: 'management',
    workspaceId: null,
    permissions: ['*'],
  });
  return {
    ...warder,
    clock,
    managementKey: secret,
    async close() {
      await warder.close();
      process.off('exit', remove);
      remove();
    },
  };
}

function createClock(start: number): TestClock {
  let at = start;
  return {
    now: () => at,
    set(moment) {
      at = Number(moment);
    },
    advance({ days = 0, hours = 0, minutes = 0, seconds = 0 }) {
      at += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
    },
  };
}
