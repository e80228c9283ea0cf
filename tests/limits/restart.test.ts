// Windows that outlast the process that counted them.

import { describe, expect, it } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import { counted, figuresOf, left, limitedService, limitOf } from './service.ts';

const DAY = 86_400_000;
const of = limitedService();

describe('a restart', () => {
  it('forgives nothing of windows longer than a minute, and lets shorter ones begin anew', async () => {
    await of.settings({ owner_limits: [limitOf('day', 4, 86_400)] });
    const { key } = await of.create([limitOf('minute', 5), limitOf('hour', 3, 3_600)], {
      owner_id: 'acme',
    });
    await of.codes(key, 2);
    const taking = { identifier: 'x', limit: 1, window_seconds: 61, workspace_id: of.workspace };
    const take = () =>
      of.service.expectCall(200, 'POST', '/v1/limits/logins/take', { body: taking });
    await take();
    await of.service.restart();
    of.service.clock.at += 30_000;
    const told = await of.service.verify(key);
    expect(left(told)).toEqual([4, 0, 1]);
    expect(figuresOf(told)[1]?.reset_at).toBe('2026-11-20T13:00:00.000Z');
    expect(await of.codes(key, 1)).toEqual(['rate_limited']);
    expect((await take()).allowed).toBe(false);
    await of.service.restart();
    expect(await of.codes(key, 1)).toEqual(['rate_limited']);
    of.service.clock.at = NOW + 3_600_000;
    expect(await of.codes(key, 1)).toEqual(['valid']);
  });

  it('under parallel use admits no more than the limit, before and after taken together', async () => {
    const { key } = await of.create([limitOf('hour', 150, 3_600)]);
    const burst = async (times: number) =>
      counted(
        (await Promise.all(Array.from({ length: times }, () => of.service.verify(key)))).map(
          ({ code }) => code,
        ),
      );
    const before = await burst(100);
    await of.service.restart();
    const after = await burst(100);
    expect([before.valid, after.valid]).toEqual([100, 50]);
  });

  it('waits for what an earlier process counted, and refuses while that cannot be read', async () => {
    const { key } = await of.create([limitOf('hour', 1, 3_600)]);
    const { key: free } = await of.create(null);
    await of.codes(key, 1);
    of.service.watch.before.set('windows', () => {
      throw new Error('the disk is gone');
    });
    await of.service.restart();
    const refused = await of.service.call('POST', '/v1/keys/verify', { body: { key } });
    expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
    expect(await of.codes(free, 1)).toEqual(['valid']);
    of.service.watch.before.delete('windows');
    expect(await of.codes(key, 1)).toEqual(['rate_limited']);
  });

  it('after ended windows leaves none of their rows behind', async () => {
    const { key } = await of.create([limitOf('hour', 5, 3_600)]);
    await of.codes(key, 1);
    await of.service.warder.flush();
    const rows = () => of.service.storage.windows(0, '', 1_000);
    expect(await rows()).not.toEqual([]);
    of.service.clock.at = NOW + 400 * DAY;
    await expect.poll(rows, { timeout: 10_000 }).toEqual([]);
  });
});

it('windows that could not be written are written later', async () => {
  const { key } = await of.create([limitOf('hour', 2, 3_600)]);
  of.service.watch.before.set('recordWindows', () => {
    throw new Error('the disk is full');
  });
  await of.codes(key, 2);
  await of.service.warder.flush();
  of.service.watch.before.delete('recordWindows');
  await of.service.restart();
  expect(await of.codes(key, 1)).toEqual(['rate_limited']);
});
