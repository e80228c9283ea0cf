import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NOW } from '../../../../tests/fixtures/domain.ts';
import { limitContract } from '../../../../tests/limits/contract.ts';
import { windowOf } from '../limits.ts';
import { openEmbedded } from '../storage/embedded.ts';
import { createStoredLimits } from './stored.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-stored-limits-'));
const { storage } = openEmbedded({ file: join(folder, 'warder.db') });
afterAll(async () => {
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

limitContract('in the database', async () => {
  const store = createStoredLimits(storage, { clock: 'given' });
  return { store, close: store.close };
});

const ONE = { cost: 1, spend: true };
const windowFor = (subject: string, limit: number) =>
  windowOf('key', subject, { name: 'hour', limit, windowSeconds: 3_600, override: null });

describe('windows in the database', () => {
  it('are exact for several that take at once, each by whatever clock it has', async () => {
    const processes = [1, 2, 3].map(() => createStoredLimits(storage));
    const told = await Promise.all(
      processes.flatMap((store, i) =>
        Array.from({ length: 200 }, () =>
          store.take([windowFor('several', 100)], ONE, NOW + i * 7_200_000),
        ),
      ),
    );
    expect(told.filter(({ admitted }) => admitted)).toHaveLength(100);
    expect(new Set(told.map(({ figures }) => figures[0]?.resetAt)).size).toBe(1);
  });

  it('that wait for one transaction share the next, in the order asked', async () => {
    let transactions = 0;
    const counting: typeof storage.takeWindows = (takes, returned) => {
      transactions++;
      return storage.takeWindows(takes, returned);
    };
    const store = createStoredLimits({ takeWindows: counting });
    const told = await Promise.all(
      Array.from({ length: 150 }, () => store.take([windowFor('gathered', 9)], ONE, NOW)),
    );
    expect(told.map(({ admitted }) => admitted)).toEqual(told.map((_, i) => i < 9));
    expect(transactions).toBe(2);
  });

  it('that cannot be taken fail the use that asked, and none after it', async () => {
    let fails = true;
    const failing: typeof storage.takeWindows = async (takes, returned) => {
      if (fails) throw new Error('the database is gone');
      return storage.takeWindows(takes, returned);
    };
    const store = createStoredLimits({ takeWindows: failing });
    const window = windowFor('failing', 1);
    await expect(store.take([window], ONE, NOW)).rejects.toThrow('the database is gone');
    fails = false;
    expect((await store.take([window], ONE, NOW)).admitted).toBe(true);
  });
});
