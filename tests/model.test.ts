// The verifier and the feed's decisions in simulated worlds, in processes of their own: no
// answer breaks an invariant, whatever goes wrong, and mistakes that are put in by hand
// are found. An interleaving is one verification, put by the seed somewhere among the
// commits, reads, fills, messages and faults around it, and checked when it is answered.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { runs } from './fixtures/domain.ts';
import type { Ran, Run } from './model/run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LONG = runs(0, 1) === 1;

async function ran(run: Run): Promise<Ran> {
  const program = join(ROOT, 'tests/model/run.ts');
  const args = ['--conditions=warder-source', program, JSON.stringify(run)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout);
}

/** Sources of the server with one text of a file put in the place of another. */
async function withMistakes<Result>(
  mistakes: readonly (readonly [file: string, right: string, wrong: string])[],
  use: (server: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-model-'));
  try {
    const server = join(folder, 'src/');
    cpSync(join(ROOT, 'packages/server/src'), server, { recursive: true });
    cpSync(join(ROOT, 'packages/server/package.json'), join(folder, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, right, wrong] of mistakes) {
      const text = readFileSync(server + file, 'utf8');
      expect(text.split(right), `${file}: ${right}`).toHaveLength(2);
      writeFileSync(server + file, text.replace(right, wrong));
    }
    return await use(server);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const KNOWN_KEYS = 'known-keys.ts';
const HEARING = 'storage/postgres/hearing.ts';

test('no verdict breaks an invariant, whatever stops, leaps, ends, hangs or fails over', async () => {
  // Each core has seeds of its own.
  const bounds = LONG ? { worlds: 1_000_000, seconds: 60 } : { worlds: 8 };
  const halves = await Promise.all([1, 1_000_001].map((from) => ran({ from, ...bounds })));
  expect(halves.flatMap(({ violations }) => violations)).toEqual([]);
  const sum = (of: (half: Ran) => number) => halves.reduce((all, half) => all + of(half), 0);
  expect(sum(({ verdicts }) => verdicts)).toBeGreaterThan(LONG ? 1_000_000 : 50_000);
  expect(sum(({ receipts }) => receipts)).toBeGreaterThan(LONG ? 20_000 : 500);
  // Most are answered: what has no verdict breaks no invariant.
  expect(sum(({ unavailable }) => unavailable)).toBeLessThan(sum(({ verdicts }) => verdicts) / 2);
}, 300_000);

test('the same seed gives the same run, and another seed another', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => ran({ from: 7, worlds: 3 })));
  expect(one?.traces).toEqual(two?.traces);
  expect(new Set(one?.traces).size).toBe(3);
});

describe('a mistake that is put in by hand is found:', () => {
  const until = { from: 1, worlds: 100, untilViolated: true };
  const FOUND = /^seed \d+: (?:valid beyond the bound|valid after|not found)/;

  test.each([
    [
      'a fill after what it would fill was told of',
      [[KNOWN_KEYS, 'fill(digest, candidate, among === reading)', 'fill(digest, candidate, true)']],
    ],
    ['a heartbeat set by a timer', [[HEARING, '      beats++;', '      beats++; certain = at;']]],
    [
      'a heartbeat of the moment when it came back',
      [[HEARING, '    certain = at;', '    certain = now();']],
    ],
    ['a connection made anew with nothing dropped', [[HEARING, '      heard(EVERYTHING);\n', '']]],
    ['an age by the wall clock alone', [[HEARING, 'clocks.steady() - certain.steady, 0)', '0)']]],
    [
      'an older version over a newer, by two reads at once',
      [
        [KNOWN_KEYS, 'if (known !== null && isOlder(candidate, known)) return known;', ''],
        [
          KNOWN_KEYS,
          'if (flight === undefined) return start(secret, digest).found;',
          'if (flight !== null) return start(secret, digest).found;',
        ],
      ],
    ],
  ] as const)('%s', async (_, mistakes) => {
    const { violations } = await withMistakes(mistakes, (server) => ran({ ...until, server }));
    expect(violations.join('\n')).toMatch(FOUND);
  });

  test('two reads at once where the older version gives way are none', async () => {
    const { violations } = await withMistakes(
      [
        [
          KNOWN_KEYS,
          'if (flight === undefined) return start(secret, digest).found;',
          'if (flight !== null) return start(secret, digest).found;',
        ],
      ],
      (server) => ran({ from: 1, worlds: 14, server }),
    );
    expect(violations).toEqual([]);
  });

  test('what was answered and not kept, beside what is known and older', async () => {
    // As the first runs of the model found it.
    const right = 'else if (known !== null && isOlder(known, candidate)) table.removeKey';
    const mistake = [KNOWN_KEYS, right, 'else if (candidate === known) table.removeKey'] as const;
    const { violations } = await withMistakes([mistake], (server) =>
      ran({ ...until, from: 1_000_001, server }),
    );
    expect(violations.join('\n')).toMatch(FOUND);
  });

  test.each([
    ['caught up by sequence number after a gap', 'sequence'],
    ['read from a server that was deposed and does not know it', 'unfenced'],
  ] as const)('%s', async (_, mistake) => {
    const { violations } = await ran({ ...until, mistake });
    expect(violations.join('\n')).toMatch(FOUND);
  });
});
