// `warder prove` on a running service: what it measures, and that it leaves nothing.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { newFolder, run } from './fixtures/program.ts';
import { startService } from './kit/service.ts';

let service: Awaited<ReturnType<typeof startService>>;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.close());

const prove = (...words: string[]) =>
  run(['prove', '--url', service.url, ...words], {
    cwd: newFolder(),
    env: { WARDER_KEY: service.firstKey },
  });

test('tells how soon revoked keys are refused and confirmed, and leaves none of them', async () => {
  const { code, stdout } = await prove('--runs', '2', '--json');
  expect(code).toBe(0);
  const figures = { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) };
  expect(JSON.parse(stdout)).toEqual({
    runs: 2,
    processes: 1,
    incomplete: 0,
    valid_after_confirmation: 0,
    refused_after_ms: figures,
    confirmed_after_ms: figures,
  });
  const { data } = await service.expectCall(200, 'GET', '/v1/keys?search=prove');
  expect(data).toEqual([]);
  const table = await prove('--runs', '1');
  expect(table.stdout).toMatch(/MILLISECONDS +P50 +P99 +MAX/);
  expect(table.stdout).toMatch(/1 keys revoked, 1 processes counted, 0 not confirmed by all\./);
});

test('says so where limits refuse its key, and takes that for no proof', async () => {
  // It took them for refusals of a revoked key, or never ended.
  const { data } = await service.expectCall(200, 'GET', '/v1/workspaces');
  const path = `/v1/workspaces/${data[0]?.id}`;
  const limit = { name: 'few', limit: 50, window_seconds: 3_600 };
  const body = (limits: unknown) => ({ body: { settings: { key_limits: limits } } });
  await service.expectCall(200, 'PATCH', path, body([limit]));
  const { code, stderr } = await prove('--runs', '1');
  await service.expectCall(200, 'PATCH', path, body([]));
  expect([code, stderr]).toEqual([1, expect.stringContaining('rate_limited')]);
  const left = await service.expectCall(200, 'GET', '/v1/keys?search=prove');
  expect(left.data).toEqual([]);
});

test('refuses a number of runs that is none', async () => {
  for (const runs of ['0', '-1', 'x', '10000']) {
    const { code, stderr } = await prove(`--runs=${runs}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--runs must be')]);
  }
});
