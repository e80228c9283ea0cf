// The service is killed at random moments while several clients write to it, and
// started again on the same folder: what it acknowledged is there, what it did not
// is whole or absent, and a retry completes it. WARDER_TEST_SEED repeats a plan.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, expect, test } from 'vitest';
import { runs } from './fixtures/domain.ts';
import {
  type KillPlan,
  killServices,
  type Service,
  seeded,
  startService,
  stopService,
} from './kit/crash-child.ts';
import { checkFile, copyOf, type Found } from './kit/kill-checker.ts';
import { type Client, clientOf, type Ledger, newLedger, work } from './kit/kill-load.ts';

const KILLS = runs(12, 200);
/** After so many kills a new folder is begun. */
const KILLS_A_FOLDER = 25;
const CLIENTS = 6;
const seed = Number(process.env.WARDER_TEST_SEED ?? Date.now() % 1_000_000);

const folder = mkdtempSync(join(tmpdir(), 'warder-kill-'));
afterEach(killServices);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where each service dies: `replies` for one that is killed from outside, by how many it gave. */
type Plan = KillPlan | { readonly kind: 'outside'; readonly replies: number };

const KINDS = [
  ...(['statement', 'statement', 'commit', 'statement', 'committed'] as const),
  ...(['statement', 'statement', 'outside', 'statement', 'committed'] as const),
];

function planKills(count: number): Plan[] {
  const random = seeded(seed);
  const upTo = (most: number) => Math.floor(random() * most);
  const plans = Array.from({ length: count }, (_, i): Plan => {
    // Six of ten die for certain with a commit open; one of ten is aimed at the inside of a COMMIT.
    const kind = KINDS[i % KINDS.length] ?? 'statement';
    if (kind === 'outside') return { kind, replies: 5 + upTo(200) };
    const at = kind === 'statement' ? 10 + upTo(900) : 4 + upTo(120);
    return { kind, at, spins: Math.floor(10 ** (random() * 5)) };
  });
  return plans
    .map((plan) => ({ plan, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ plan }) => plan);
}

/** Clients write until the service is dead. */
async function workUntilDead(
  service: Service,
  client: Client,
  ledger: Ledger,
  plan: Plan,
  round: number,
): Promise<void> {
  const replies = () => ledger.asked.filter(({ reply }) => reply !== null).length;
  const before = replies();
  const isDue = () => plan.kind === 'outside' && replies() - before >= plan.replies;
  service.arm();
  await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      work(
        client,
        ledger,
        seed + round * CLIENTS + i,
        () => isDue() && service.child.kill('SIGKILL'),
      ),
    ),
  );
  expect(await service.ended).toEqual({ code: null, signal: 'SIGKILL' });
  expect(service.said()).not.toMatch(/"level":"(error|fatal)"|ReferenceError|TypeError/);
}

/** What the next service answers to what the file says, and to retries of what was not acknowledged. */
async function checkAnswers(client: Client, ledger: Ledger, found: Found, asked: number) {
  const known = [...ledger.secrets.keys()];
  const random = seeded(asked);
  const sample = [
    ...known.slice(-30),
    ...known.filter(() => random() < 10 / known.length),
    ...[...ledger.ended].slice(-20),
  ];
  for (const id of new Set(sample)) {
    const expected = found.verdicts.get(id);
    expect(expected, `key ${id} is there`).toBeDefined();
    expect(expected).toContain(await client.verify(id));
  }
  for (const id of known.slice(-5)) {
    const reply = await client.ask('GET', `/v1/keys/${id}?include_deleted=true`);
    const { status: _, last_used_at: __, ...facts } = reply?.body ?? {};
    if (reply?.status === 200) expect(facts).toEqual(found.keys.get(id));
    // Erased before, or since, with what was left of its workspace.
    else expect(found.verdicts.get(id)).toContain('revoked');
  }

  const open = ledger.asked
    .slice(asked)
    .filter(({ reply, idempotencyKey }) => reply === null && idempotencyKey !== null);
  for (const request of open) {
    const { id: _, reply: __, ...same } = request;
    const reply = await client.change({ ...same, again: request });
    const wasDone = found.done.has(request.id);
    expect(reply, 'a retry is answered').not.toBeNull();
    if (reply === null || reply.status >= 300) continue;
    const changes = !/abled|revoked|suspended|resumed/.test(request.makes.join());
    if (wasDone) expect(reply.replayed, `${request.path} is repeated`).toBe(true);
    else if (changes) expect(reply.replayed, `${request.path} is done now`).toBe(false);
    if (request.makes.includes('key.created')) {
      const allowed = request.body?.owner_id || request.body?.workspace_id ? ['suspended'] : [];
      expect(['valid', ...allowed]).toContain(await client.verify(String(reply.body.id)));
    }
  }
  const retries = ledger.asked.slice(-open.length || ledger.asked.length);
  return { repeated: retries.filter(({ reply }) => reply?.replayed).length, retried: open.length };
}

test(`${KILLS} kills under load lose nothing that was acknowledged and leave nothing half done`, {
  timeout: KILLS * 15_000,
}, async () => {
  console.log(`kills: seed ${seed}`);
  const figures = { kills: 0, open: 0, inCommit: 0, afterCommit: 0, outside: 0 };
  const totals = { acknowledged: 0, whole: 0, absent: 0, events: 0, repeated: 0, retried: 0 };
  let slowestOpen = 0;
  let slowestStart = 0;
  const plans = planKills(KILLS);

  for (let from = 0; from < plans.length; from += KILLS_A_FOLDER) {
    const data = join(folder, `${from}`);
    const ledger = newLedger();
    let found: Found | null = null;
    let asked = 0;
    for (const [i, plan] of [...plans.slice(from, from + KILLS_A_FOLDER), null].entries()) {
      const start = performance.now();
      const service = startService(data, plan?.kind === 'outside' ? null : plan);
      await service.url;
      slowestStart = Math.max(slowestStart, performance.now() - start);
      const client = await clientOf(service, ledger);
      if (found !== null) {
        const { repeated, retried } = await checkAnswers(client, ledger, found, asked);
        totals.repeated += repeated;
        totals.retried += retried;
      }
      if (plan === null) {
        await expect.poll(() => leftIn(data), { timeout: 20_000 }).toBe(0);
        expect(await stopService(service)).toEqual({ code: 0, signal: null });
        found = checkFile(join(data, 'warder.db'), ledger, found);
        break;
      }
      asked = ledger.asked.length;
      await workUntilDead(service, client, ledger, plan, from + i);
      const record = service.record();
      figures.kills++;
      if (plan.kind === 'outside') figures.outside++;
      else if (record?.where === 'in COMMIT') figures.inCommit++;
      else if (record?.where === 'after COMMIT') figures.afterCommit++;
      if (record?.open) figures.open++;
      found = checkFile(copyOf(data), ledger, found);
      slowestOpen = Math.max(slowestOpen, found.openMilliseconds);
    }
    totals.acknowledged += found?.acknowledged ?? 0;
    totals.whole += found?.unacknowledged.whole ?? 0;
    totals.absent += found?.unacknowledged.absent ?? 0;
    totals.events += found?.events ?? 0;
  }
  console.log(
    'kills:',
    JSON.stringify({
      ...figures,
      ...totals,
      slowestOpenMilliseconds: Math.round(slowestOpen),
      slowestStartMilliseconds: Math.round(slowestStart),
    }),
  );
  expect(figures.kills).toBe(KILLS);
  expect(figures.open).toBeGreaterThanOrEqual(KILLS / 2);
  expect(totals.acknowledged).toBeGreaterThan(KILLS * 10);
  expect(slowestOpen).toBeLessThan(2_000);
  expect(slowestStart).toBeLessThan(20_000);
});

test('a very first start that is killed at any statement of a commit is finished by the next one', {
  timeout: runs(60_000, 300_000),
}, async () => {
  // Where it dies each time: all there are in the long run, in the short one some.
  const step = runs(4, 1);
  const first = 1 + (seed % step);
  let died = 0;
  for (let at = first; ; at += step) {
    const data = join(folder, `first-${at}`);
    const killed = startService(data, { kind: 'statement', at, spins: 0, fromStart: true });
    const isDead = await killed.url.then(
      () => false,
      () => true,
    );
    if (!isDead) killed.child.kill('SIGKILL');
    expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(killed.record()?.open ?? false).toBe(isDead);
    const service = startService(data);
    const ledger = newLedger();
    const client = await clientOf(service, ledger);
    expect((await client.ask('GET', '/v1/whoami'))?.body).toMatchObject({ instance: true });
    expect(await stopService(service)).toEqual({ code: 0, signal: null });
    expect(checkFile(join(data, 'warder.db'), ledger, null)).toMatchObject({ events: 3 });
    if (!isDead) break;
    died++;
  }
  console.log(`kills: ${died} very first starts killed`);
  expect(died).toBeGreaterThanOrEqual(runs(2, 10));
});

test('the checker sees a write that was lost, halved or doubled', { timeout: 60_000 }, async () => {
  const data = join(folder, 'doctored');
  const ledger = newLedger();
  const service = startService(data);
  const client = await clientOf(service, ledger);
  const enough = () => ledger.asked.length > 150;
  await Promise.all([1, 2, 3].map((one) => work(client, ledger, one, enough)));
  await expect.poll(() => leftIn(data)).toBe(0);
  await stopService(service);
  const file = join(data, 'warder.db');
  expect(checkFile(copyOf(data), ledger, null).acknowledged).toBeGreaterThan(100);

  const a = 'FROM keys WHERE erased_at IS NULL AND workspace_id IS NOT NULL ORDER BY id LIMIT 1';
  for (const [what, sql] of Object.entries({
    'an event that is missing': `DELETE FROM events WHERE subject_id = (SELECT id ${a}) AND type = 'key.created'`,
    'a last change that is missing, with its event': `DELETE FROM events WHERE id = (SELECT max(id) FROM events WHERE type = 'key.created');
      DELETE FROM keys WHERE id = (SELECT max(id) FROM keys)`,
    'an event too many': `INSERT INTO events (id, workspace_id, type, created_at, actor_type, actor_id, address, request_id, subject_type, subject_id, before, after)
      SELECT 'f' || substr(id, 2), workspace_id, type, created_at, actor_type, actor_id, address, request_id, subject_type, subject_id, before, after FROM events LIMIT 1`,
    'a change without its event': `UPDATE keys SET name = 'other', version = version + 1 WHERE id = (SELECT id ${a})`,
    'a key without its owner': `DELETE FROM owners WHERE external_id = (SELECT owner_id FROM keys WHERE owner_id IS NOT NULL LIMIT 1)`,
    'a key of another text': `UPDATE keys SET digest = randomblob(32) WHERE id = (SELECT id ${a})`,
    'a reply that is missing':
      'DELETE FROM replies WHERE key_id = (SELECT max(key_id) FROM replies)',
    'a reply of nothing': `INSERT INTO replies VALUES ('x', 'x', 'x', 'x', 1)`,
    'an end that was undone': `UPDATE keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL`,
  })) {
    const copy = copyOf(data);
    const database = new Database(copy);
    database.pragma('foreign_keys = OFF');
    database.exec(sql);
    database.close();
    expect(() => checkFile(copy, ledger, null), what).toThrow(/problems/);
  }
  expect(checkFile(file, ledger, null).leftover).toBe(0);
});

/** How many keys of deleted workspaces are still to be erased. */
function leftIn(data: string): number {
  const database = new Database(join(data, 'warder.db'), { readonly: true });
  try {
    const count = database.prepare(
      'SELECT count(*) FROM keys JOIN workspaces ON workspaces.id = workspace_id WHERE workspaces.deleted_at IS NOT NULL AND erased_at IS NULL',
    );
    return Number(count.pluck().get());
  } finally {
    database.close();
  }
}
