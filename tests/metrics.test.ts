// What /metrics tells, to whom, and what it never tells: figures counted by real calls on
// a real service, read as Prometheus reads them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, serve } from './fixtures/program.ts';
import { bearer, openGateway } from './kit/gateway.ts';
import { type Service, startService } from './kit/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

type Figures = ReadonlyMap<string, number>;

/** The figures of a page, by name and labels as they stand; fails for a line of another form. */
function figuresOf(page: string): Figures {
  const described = new Set<string>();
  const figures = new Map<string, number>();
  for (const line of page.split('\n')) {
    if (line === '') continue;
    const [, name] = /^# TYPE (\S+) (?:counter|gauge|histogram|summary)$/.exec(line) ?? [];
    if (name !== undefined) described.add(name);
    if (line.startsWith('#')) continue;
    const [, figure = '', of = '', value = ''] =
      /^(([a-z_][a-z0-9_]*)(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line) ??
      expect.unreachable(line);
    expect(described.has(of) || described.has(of.replace(/_(bucket|sum|count)$/, '')), line).toBe(
      true,
    );
    expect(figures.has(figure), line).toBe(false);
    figures.set(figure, Number(value));
  }
  return figures;
}

const read = async () => figuresOf((await service.call('GET', '/metrics')).text);
const VERIFY = 'method="POST",route="/v1/keys/verify",status="200"';
const countOf = (figures: Figures, labels: string) =>
  figures.get(`warder_http_request_duration_seconds_count{${labels}}`) ?? 0;

describe('the figures', () => {
  it('count each verdict once by its code, whichever way it was asked for, and no caller', async () => {
    const { key, id } = await service.createKey({ scopes: ['a'], credits: { remaining: 2 } });
    const plain = (await service.createKey({ scopes: ['a'] })).key;
    const before = await read();
    // From memory and from the store, by the shortest way, in a batch, with credits, and unknown.
    for (const one of [plain, plain, plain, key]) await service.verify(one);
    await service.verify(key, { cost: 9 });
    await service.expectCall(200, 'POST', '/v1/keys/verify-batch', {
      body: { keys: [{ key: plain }, { key: plain, scopes: ['b'] }] },
    });
    await service.verify(`${plain.slice(0, -1)}!`);
    await service.verify('of somebody else'.replaceAll(' ', '-'));
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    await service.verify(key);
    const after = await read();
    const more = (code: string) => {
      const name = `warder_verifications_total{code="${code}"}`;
      return (after.get(name) ?? 0) - (before.get(name) ?? 0);
    };
    const codes = Array.from(after.keys()).flatMap(
      (name) => /^warder_verifications_total\{code="(.*)"\}$/.exec(name)?.[1] ?? [],
    );
    expect(
      Object.fromEntries(codes.map((code) => [code, more(code)] as const).filter(([, n]) => n)),
    )
      // Nothing is a key's form that has a "!" at its end: it is looked for, as any text is.
      .toEqual({
        valid: 5,
        insufficient_credits: 1,
        insufficient_scope: 1,
        not_found: 2,
        revoked: 1,
      });
    expect(countOf(after, VERIFY) - countOf(before, VERIFY)).toBe(8);
  });

  it('tell hits from misses, and how many keys are in memory', async () => {
    const { key, id } = await service.createKey({ scopes: ['a'] });
    await service.verify(service.firstKey.replace(/.$/, '-'));
    const before = await read();
    await service.verify(key);
    const first = await read();
    await service.verify(key);
    await service.verify(key);
    const second = await read();
    const misses = 'warder_cache_misses_total';
    expect((first.get(misses) ?? 0) - (before.get(misses) ?? 0)).toBe(1);
    expect((second.get(misses) ?? 0) - (first.get(misses) ?? 0)).toBe(0);
    const hits = 'warder_cache_hits_total';
    expect((second.get(hits) ?? 0) - (first.get(hits) ?? 0)).toBeGreaterThanOrEqual(2);
    expect((second.get('warder_cache_keys') ?? 0) - (before.get('warder_cache_keys') ?? 0)).toBe(1);
    await service.expectCall(200, 'POST', `/v1/keys/${id}/disable`);
    expect((await read()).get('warder_cache_keys')).toBe(before.get('warder_cache_keys'));
  });

  it('count what gateways are answered, by the reason', async () => {
    const { key } = await service.createKey({ scopes: ['files:read'] });
    const { ask, close } = await openGateway(service);
    for (let i = 0; i < 3; i++) expect((await ask({ headers: bearer(key) })).status).toBe(200);
    expect((await ask({})).status).toBe(401);
    await close();
    const figures = await read();
    expect(figures.get('warder_gateway_answers_total{reason="allowed"}')).toBe(3);
    expect(figures.get('warder_gateway_answers_total{reason="no_key"}')).toBe(1);
  });

  it('name routes as their table has them, and nothing that was sent', async () => {
    const { id } = await service.createKey({ owner_id: 'acme' });
    await service.expectCall(200, 'GET', `/v1/keys/${id}`);
    await service.expectCall(404, 'GET', '/v1/keys/01900000-0000-7000-8000-0123456789ab');
    await service.expectCall(404, 'GET', `/nowhere/${id}`);
    const { text } = await service.call('GET', '/metrics');
    const figures = figuresOf(text);
    expect(countOf(figures, 'method="GET",route="/v1/keys/{id}",status="200"')).toBeGreaterThan(0);
    expect(countOf(figures, 'method="GET",route="/v1/keys/{id}",status="404"')).toBeGreaterThan(0);
    expect(countOf(figures, 'method="none",route="none",status="404"')).toBeGreaterThan(0);
    for (const secretive of [id, service.defaultWorkspaceId, 'acme', 'nowhere']) {
      expect(text).not.toContain(secretive);
    }
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('have durations whose buckets grow to the count', async () => {
    await service.createKey();
    const figures = await read();
    const buckets = Array.from(figures).filter(([name]) =>
      name.startsWith('warder_store_duration_seconds_bucket{operation="commit",'),
    );
    const values = buckets.map(([, value]) => value);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(values.at(-1)).toBe(
      figures.get('warder_store_duration_seconds_count{operation="commit"}'),
    );
    expect(buckets.at(-1)?.[0]).toContain('le="+Inf"');
    expect(figures.get('warder_store_duration_seconds_sum{operation="commit"}')).toBeGreaterThan(0);
  });

  it('say how sure it is that every change was heard, which another process may have made', async () => {
    const age = (await read()).get('warder_change_feed_age_seconds');
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(60);
  });

  it('say how old the oldest event is that is not sealed', async () => {
    await service.createKey();
    service.clock.at += 60_000;
    await expect.poll(async () => (await read()).get('warder_seal_lag_seconds')).toBe(0);
    const { text } = await service.call('GET', '/metrics');
    expect(text).toMatch(/^warder_upkeep_duration_seconds_count\{task="seal"\} [1-9]/m);
  });
});

describe('whom they are told', () => {
  it('a key of one workspace is refused, as is one without the permission', async () => {
    const body = { workspace_id: service.defaultWorkspaceId };
    const { key } = await service.manager(['*'], body);
    await service.expectCall(403, 'GET', '/metrics', { key });
    await service.expectCall(401, 'GET', '/metrics', { key: null });
  });

  it('nobody asks an address for operations for anything else', async () => {
    const ask = async (method: string, target: string) => {
      const reply = await service.warder.handleOps({
        method,
        target,
        headers: { authorization: `Bearer ${service.firstKey}` },
        body: new Uint8Array(),
        origin: { requestId: 'r', address: null, to: '', sharedCredential: null },
      });
      return reply.status;
    };
    for (const path of ['/metrics', '/livez', '/readyz']) expect(await ask('GET', path)).toBe(200);
    expect(await ask('POST', '/metrics')).toBe(405);
    for (const path of ['/v1/keys', '/openapi.json', '/v1/whoami', '/', '/metrics/']) {
      expect([path, await ask('GET', path)]).toEqual([path, 404]);
    }
    expect(await ask('POST', '/v1/keys/verify')).toBe(404);
  });

  it('with an address for operations they are there without a key, and nowhere else with one', async () => {
    const cwd = newFolder();
    const { url, stdout, child, ended } = await serve(cwd, ['--ops-listen', '127.0.0.1:0']);
    const [, ops = ''] = /Metrics and probes are at (\S+)\.$/m.exec(stdout()) ?? [];
    const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(404);
    const page = await fetch(`${ops}/metrics`);
    expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const figures = figuresOf(await page.text());
    expect(figures.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  it('with several workers, whichever is asked tells those of all, each with its process', async () => {
    const cwd = newFolder();
    const args = ['--workers', '2', '--ops-listen', '127.0.0.1:0'];
    const { url, stdout, child, ended } = await serve(cwd, args);
    const [, ops = ''] = /Metrics and probes are at (\S+)\.$/m.exec(stdout()) ?? [];
    const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const post = (path: string, body: object, connection = 'keep-alive') =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { ...headers, connection },
        body: JSON.stringify(body),
      }).then((reply) => reply.json() as Promise<Record<string, unknown>>);
    const made = await post('/v1/keys', {});
    // A connection each, which the workers take in turns.
    for (let i = 0; i < 20; i++) {
      expect(await post('/v1/keys/verify', { key: made.key }, 'close')).toMatchObject({
        valid: true,
      });
    }
    for (let asked = 0; asked < 4; asked++) {
      const reply = await fetch(`${ops}/metrics`, { headers: { connection: 'close' } });
      const figures = figuresOf(await reply.text());
      const of = (name: string) =>
        Array.from(figures).filter(([figure]) => figure.startsWith(`${name}{`));
      const processes = of('warder_build_info').map(
        ([figure]) => /process="(\w+)"/.exec(figure)?.[1],
      );
      expect(processes.length).toBe(3);
      expect(processes).toContain('supervisor');
      const valid = of('warder_verifications_total').filter(([figure]) =>
        figure.includes('code="valid"'),
      );
      expect(valid.reduce((sum, [, value]) => sum + value, 0)).toBe(20);
      expect(valid.filter(([, value]) => value > 0).length).toBe(2);
      expect(of('process_resident_memory_bytes').length).toBe(3);
    }
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  }, 60_000);
});
