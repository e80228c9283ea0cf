import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawFirstToken } from '@warder/core';
import { afterAll, describe, expect, it } from 'vitest';
import { NOW } from '../../../tests/fixtures/domain.ts';
import { instanceGrant } from './auth.ts';
import { createHost, type Pepper } from './host.ts';
import { openInstallation, StartRefused } from './installation.ts';
import { createLimitMemory } from './limits/memory.ts';
import { openEmbedded } from './storage/embedded.ts';
import { createVerifier } from './verifier.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (of: number) => new Uint8Array(32).fill(of);
const pepper = (version: number, of = version): Pepper => ({ version, key: bytes(of) });
let files = 0;

interface Start {
  readonly secret?: Uint8Array;
  readonly peppers?: readonly Pepper[];
}

/** A store to be opened again and again, each time with other secrets. */
function newStore() {
  const file = join(folder, `${++files}`, 'warder.db');
  const tokens: string[] = [];
  /** Opens it and answers how that went: the verdicts on every key made so far, or the refusal. */
  const start = async ({ secret = bytes(7), peppers = [] }: Start = {}) => {
    const { storage, lookup } = openEmbedded({ file });
    const host = createHost({ secret, peppers, now: () => NOW });
    try {
      const installation = await openInstallation(storage, host, async () => {
        const token = drawFirstToken(host);
        tokens.push(token.secret);
        return token;
      });
      const { verifier } = createVerifier(
        host,
        { storage, lookup, limits: createLimitMemory() },
        { count: () => undefined },
      );
      const ask = { within: null, environment: null };
      const codes = [];
      for (const token of tokens) codes.push((await verifier.verify(token, ask)).code);
      return { codes, checks: installation.checks };
    } finally {
      await storage.close();
    }
  };
  return { start, tokens, file };
}

const refusal = (start: Promise<unknown>) =>
  start.then(
    () => 'started',
    (error: unknown) => (error instanceof StartRefused ? error.message : String(error)),
  );

describe('the very first start', () => {
  it('makes one key of the instance, and a second start none', async () => {
    const { start, tokens } = newStore();
    expect((await start()).codes).toEqual(['valid']);
    expect((await start()).codes).toEqual(['valid']);
    expect(tokens.length).toBe(1);
  });

  it('of several at once makes one key and one workspace', async () => {
    const file = join(folder, `${++files}`, 'warder.db');
    const stores = Array.from({ length: 5 }, () => openEmbedded({ file }));
    const opened = await Promise.all(
      stores.map(({ storage }) => {
        const host = createHost({ secret: bytes(7) });
        return openInstallation(storage, host, async () => drawFirstToken(host));
      }),
    );
    expect(new Set(opened.map(({ defaultWorkspaceId }) => defaultWorkspaceId)).size).toBe(1);
    const [first] = stores;
    const reach = first?.storage.everywhere(instanceGrant());
    const slice = { limit: 10, from: null, total: 'none' } as const;
    expect((await reach?.keys({ now: NOW }, slice))?.items.length).toBe(1);
    expect((await reach?.workspaces({}, slice))?.items.length).toBe(1);
    for (const { storage } of stores) await storage.close();
  });
});

describe('a start with another secret', () => {
  it('is refused in one sentence and changes nothing; the right one starts again', async () => {
    const { start, tokens } = newStore();
    await start();
    const said = await refusal(start({ secret: bytes(8) }));
    expect(said).toMatch(/^The installation secret is not the one .*WARDER_SECRET.*\.$/);
    expect(said).not.toContain('\n');
    expect((await start()).codes).toEqual(['valid']);
    expect(tokens.length).toBe(1);
  });

  it('is refused whatever peppers come with it', async () => {
    const { start } = newStore();
    await start({ peppers: [pepper(1)] });
    const other = { secret: bytes(8), peppers: [pepper(1), pepper(2)] };
    expect(await refusal(start(other))).toMatch(/^The installation secret/);
    expect((await start({ peppers: [pepper(1)] })).checks.length).toBe(2);
  });
});

describe('a pepper', () => {
  it('that is missing or another is refused by its name, never answered with not_found', async () => {
    const { start } = newStore();
    await start({ peppers: [pepper(1)] });
    expect(await refusal(start())).toMatch(/^The pepper 1 is missing.*WARDER_PEPPER/);
    expect(await refusal(start({ peppers: [pepper(2)] }))).toMatch(/^The pepper 1 is missing/);
    expect(await refusal(start({ peppers: [pepper(1, 9)] }))).toMatch(
      /^The pepper 1 is not the one/,
    );
    const refused = await refusal(start({ peppers: [pepper(1, 9)] }));
    expect(refused).not.toMatch(/[0-9a-f]{64}/);
    expect((await start({ peppers: [pepper(1)] })).codes).toEqual(['valid']);
  });

  it('turned on later, or rotated, keeps every key good, and is needed from then on', async () => {
    const { start } = newStore();
    expect((await start()).codes).toEqual(['valid']);
    expect((await start({ peppers: [pepper(1)] })).codes).toEqual(['valid']);
    expect(await refusal(start())).toMatch(/^The pepper 1 is missing/);
    expect((await start({ peppers: [pepper(1), pepper(2)] })).codes).toEqual(['valid']);
    expect(await refusal(start({ peppers: [pepper(1)] }))).toMatch(/^The pepper 2 is missing/);
    const { checks } = await start({ peppers: [pepper(2), pepper(1)] });
    expect(checks.map(({ name }) => name).sort()).toEqual(['pepper 1', 'pepper 2', 'secret']);
  });

  it('turned on by several starts at once is noted once', async () => {
    const { start } = newStore();
    await start();
    const all = await Promise.all([1, 2, 3, 4].map(() => start({ peppers: [pepper(1)] })));
    expect(all.map(({ codes }) => codes)).toEqual(all.map(() => ['valid']));
    expect(await refusal(start({ peppers: [pepper(1, 5)] }))).toMatch(/^The pepper 1 is not/);
  });
});
