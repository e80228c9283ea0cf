// The list at a million keys: its depth, each of its filters, its total over HTTP,
// and what a create costs beside all the indices that a list is read from.

import { join } from 'node:path';
import { type KeyFilter, operations, type Place, placeOf, type SliceRequest } from '@warder/core';
import {
  assembleWarder,
  createLog,
  instanceGrant,
  listen,
  openEmbedded,
  openInstallation,
} from '@warder/server';
import Database from 'better-sqlite3';
import { HALF, ONE, WORDS } from './load.ts';
import { compare, median, print, type Row } from './measure.ts';
import { BIG, caller, host, type Store } from './store.ts';

const DAY = 86_400_000;
const NEVER_REACHED = Date.UTC(2200, 0, 1);
const PAGE = 50;
const ROUNDS = 7;

export async function benchLists(store: Store): Promise<Row[]> {
  const file = join(store.folder, 'warder.db');
  const { storage, lookup } = openEmbedded({ file });
  const installation = await openInstallation(storage, host, () =>
    Promise.reject(new Error('it is loaded')),
  );
  const bare = new Database(file, { readonly: true });
  const everywhere = storage.everywhere(instanceGrant());
  const [big = '', medium = ''] = store.workspaces;
  const slice = (from: SliceRequest['from']): SliceRequest => ({
    limit: PAGE,
    from,
    total: 'none',
  });
  const after = (place: Place) => ({ side: 'after', place }) as const;
  const now = host.now();

  const [deep] = (await everywhere.keys({ now }, { ...slice(null), limit: 1, offset: 900_000 }))
    .items;
  if (!deep) throw new Error('the store is not loaded');
  const offset = bare.prepare(
    'SELECT * FROM keys WHERE deleted_at IS NULL ORDER BY position DESC LIMIT 50 OFFSET 900000',
  );
  const count = bare.prepare('SELECT count(*) FROM keys WHERE deleted_at IS NULL');
  const depth = await compare([
    { name: 'page 1', run: () => repeat(20, () => everywhere.keys({ now }, slice(null))) },
    {
      name: 'the page at depth 900,000',
      run: () => repeat(20, () => everywhere.keys({ now }, slice(after(placeOf(deep))))),
    },
    {
      name: 'OFFSET 900000 and count(*), bare',
      run: () => times(1, () => [offset.all(), count.get()]),
    },
  ]);
  print('a page of 50 of 1,000,000 keys', depth);

  const filters = await eachFilter(
    store,
    now,
    async (filter, from) => {
      const start = performance.now();
      const found = await storage
        .within(filter.workspaceId ?? big)
        .keys(filter, { ...slice(from), total: 'none' });
      return { milliseconds: performance.now() - start, found: found.items };
    },
    (filter, at) =>
      storage
        .within(filter.workspaceId ?? big)
        .keys(filter, { limit: 1, from: null, offset: at, total: 'none' }),
  );

  const warder = assembleWarder({
    storage,
    lookup,
    host,
    installation,
    publicUrl: null,
    version: 'bench',
    log: createLog('silent'),
  });
  const listener = await listen({
    handle: warder.handle,
    host: '127.0.0.1',
    port: 0,
    newRequestId: () => 'bench-request',
  });
  const get = async (path: string) => {
    const reply = await fetch(listener.url + path, {
      headers: { authorization: `Bearer ${store.firstKey}` },
    });
    if (!reply.ok) throw new Error(await reply.text());
    await reply.arrayBuffer();
  };
  const path = `/v1/keys?workspace_id=${medium}&status=active`;
  const total = await compare([
    { name: 'without total', run: () => repeat(10, () => get(path)) },
    { name: 'with total', run: () => repeat(10, () => get(`${path}&include=total`)) },
  ]);
  print('GET /v1/keys by status over HTTP, workspace of 20,000', total);

  const { defaultWorkspaceId } = installation;
  const limits = { take: () => Promise.reject(new Error('nothing is taken here')) };
  const { verifier } = warder;
  const useCases = operations({ storage, host, verifier, limits, defaultWorkspaceId }).as(caller);
  const made: number[] = [];
  const durable = new Database(join(store.folder, `bare-${now}.db`));
  durable.pragma('journal_mode = WAL');
  durable.pragma('synchronous = FULL');
  durable.exec('CREATE TABLE keys (id TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID');
  const insert = durable.prepare('INSERT INTO keys VALUES (?, ?)');
  const create = await compare([
    {
      name: 'a durable insert of id and digest',
      run: () => times(200, () => insert.run(host.newId(now), host.random(32))),
    },
    {
      name: 'createKey, an owner, three scopes',
      run: () =>
        repeat(200, async () => {
          const start = performance.now();
          await useCases.createKey({
            workspaceId: big,
            name: 'Build pipeline',
            ownerId: 'acme',
            scopes: ['files:read', 'files:write', 'x:1'],
          });
          made.push(performance.now() - start);
        }),
    },
  ]);
  print('a create among 1,000,000 keys', create);

  bare.close();
  durable.close();
  await listener.close();
  await warder.close();
  const ratio = (measured: { ratio: number } | undefined) => measured?.ratio ?? Number.NaN;
  const p99 = made.toSorted((a, b) => a - b)[Math.floor(made.length * 0.99)] ?? Number.NaN;
  return [
    { what: 'page of 50 at depth 900,000 against page 1', measured: ratio(depth[1]), most: 2 },
    {
      what: 'offset plus count against the page at depth 900,000',
      measured: ratio(depth[2]) / ratio(depth[1]),
      least: 100,
    },
    {
      what: `slowest page of each filter (${filters.slowest}) against the median page`,
      measured: filters.ratio,
      most: 10,
    },
    {
      what: 'page by status with its total against without, over HTTP, workspace of 20,000',
      measured: ratio(total[1]),
      most: 3,
    },
    {
      what: "a create against the engine's own durable insert",
      measured: ratio(create[1]),
      most: 3,
    },
    { what: 'p99 of a create, in milliseconds', measured: p99, most: 10 },
  ];
}

type Measure = (
  filter: KeyFilter,
  from: SliceRequest['from'],
) => Promise<{ milliseconds: number; found: readonly { id: string }[] }>;

/** Each filter that none, one and half of a workspace's keys match: its first, middle and last page. */
async function eachFilter(
  { workspaces }: Store,
  now: number,
  measure: Measure,
  at: (filter: KeyFilter, offset: number) => Promise<{ items: readonly { id: string }[] }>,
) {
  const [big = '', medium = ''] = workspaces;
  const [middle] = (await at({ workspaceId: big, now }, BIG / 2)).items;
  const [oldest] = (await at({ workspaceId: big, now }, BIG - 1)).items;
  const madeAt = (key: { id: string } | undefined) =>
    Number(placeOf(key ?? { id: '' }).position >> 20n);
  const plan = (value: string) => ({ metadata: [{ name: 'plan', value }] });
  // Each with what no key, one key (where there is such a fact) and half of them match.
  const cases: Record<string, readonly Partial<KeyFilter>[]> = {
    status: [{ statuses: ['soft_blocked'] }, { statuses: ['disabled'] }, { statuses: ['revoked'] }],
    kind: [
      { workspaceId: medium, kind: 'management' },
      { kind: 'management' },
      { kind: 'standard' },
    ],
    owner_id: [{ ownerId: 'nobody' }, { ownerId: ONE.owner }, { ownerId: HALF.owner }],
    scope: [{ scope: 'no:one' }, { scope: ONE.scope }, { scope: HALF.scope }],
    environment: [{ environment: 'test' }, { environment: 'live' }],
    created_by: [{ createdBy: 'nobody' }, { createdBy: ONE.maker }, { createdBy: HALF.maker }],
    expires_before: [{ expires: { before: 1 } }, { expires: { before: NEVER_REACHED } }],
    expires_after: [{ expires: { after: NEVER_REACHED } }, { expires: { after: now } }],
    created_before: [
      { created: { before: 1 } },
      { created: { before: madeAt(oldest) + 1 } },
      { created: { before: madeAt(middle) } },
    ],
    last_used_after: [{ lastUsed: { after: now + 9 * DAY } }, { lastUsed: { after: 1 } }],
    metadata: [plan('nothing'), plan(ONE.plan), plan(HALF.plan)],
    search: [{ search: 'zzzzqqqq' }, { search: WORDS.one }, { search: WORDS.half }],
  };
  const pages: { name: string; milliseconds: number }[] = [];
  for (const [name, filters] of Object.entries(cases)) {
    for (const some of filters) {
      const filter: KeyFilter = { workspaceId: big, now, ...some };
      const many = some === filters.at(-1);
      const places: Record<string, SliceRequest['from']> = { first: null };
      for (const [where, offset] of Object.entries(
        many ? { middle: BIG / 4, last: BIG / 2 - 2_000 } : {},
      )) {
        const [item] = (await at(filter, offset)).items;
        if (item) places[where] = { side: 'after', place: placeOf(item) };
      }
      for (const [where, from] of Object.entries(places)) {
        const taken: number[] = [];
        for (let round = 0; round <= ROUNDS; round++) {
          taken.push((await measure(filter, from)).milliseconds);
        }
        const matching = many ? 'half' : some === filters[0] ? 'none' : 'one';
        pages.push({
          name: `${name}, ${matching} match, ${where}`,
          milliseconds: median(taken.slice(1)),
        });
      }
    }
  }
  const usual = median(pages.map(({ milliseconds }) => milliseconds));
  console.log(
    `\neach filter by itself, medians of ${ROUNDS}, against the median page (${usual.toFixed(2)} ms)`,
  );
  for (const { name, milliseconds } of pages.toSorted((a, b) => b.milliseconds - a.milliseconds)) {
    console.log(`  ${(milliseconds / usual).toFixed(2).padStart(7)} x ${name}`);
  }
  const [slowest] = pages.toSorted((a, b) => b.milliseconds - a.milliseconds);
  return { slowest: slowest?.name ?? '', ratio: (slowest?.milliseconds ?? 0) / usual };
}

async function repeat(count: number, run: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < count; i++) await run();
  return count;
}

function times(count: number, run: () => unknown): number {
  for (let i = 0; i < count; i++) run();
  return count;
}
