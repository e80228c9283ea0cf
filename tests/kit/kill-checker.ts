// What must be true of a file after its service was killed, told from the file by
// SQL of its own and from the ledger of what was acknowledged. It shares nothing
// with the service: it replays the events and compares what comes out.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import type { Asked, Json, Ledger, Reply } from './kill-load.ts';

type Row = Readonly<Record<string, string | number | null>> & { readonly id: string };

/** An object as its events tell it: its state after each, and which request made it. */
interface Chain {
  readonly states: Json[];
  readonly requests: (string | null)[];
  readonly types: string[];
}

export interface Found {
  readonly openMilliseconds: number;
  readonly events: number;
  readonly acknowledged: number;
  readonly unacknowledged: { readonly whole: number; readonly absent: number };
  /** Requests that left an event. */
  readonly done: ReadonlySet<string>;
  /** The verdict that each key must get, and each key as it must be shown. */
  readonly verdicts: ReadonlyMap<string, readonly string[]>;
  readonly keys: ReadonlyMap<string, Json>;
  readonly lastUses: ReadonlyMap<string, number>;
  /** Keys of deleted workspaces that are still to be erased. */
  readonly leftover: number;
}

/** A copy of a dead service's file, for a look that changes nothing for the next service. */
export function copyOf(data: string, name = 'copy'): string {
  const folder = `${data}.${name}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const file of ['warder.db', 'warder.db-wal']) {
    if (existsSync(join(data, file))) copyFileSync(join(data, file), join(folder, file));
  }
  return join(folder, 'warder.db');
}

/** @throws with all that is wrong */
export function checkFile(file: string, ledger: Ledger, before: Found | null): Found {
  const start = performance.now();
  const database = new Database(file, { fileMustExist: true });
  try {
    database.prepare('SELECT count(*) FROM events').get();
    const openMilliseconds = performance.now() - start;
    const problems = [...ledger.complaints];
    const found = inspect(database, ledger, before, problems);
    if (problems.length > 0) {
      throw new Error(`${problems.length} problems:\n${problems.slice(0, 15).join('\n')}`);
    }
    return { ...found, openMilliseconds };
  } finally {
    database.close();
  }
}

function inspect(
  database: Database.Database,
  ledger: Ledger,
  before: Found | null,
  problems: string[],
): Omit<Found, 'openMilliseconds'> {
  const must = (truth: boolean, problem: string) => {
    if (!truth) problems.push(problem);
  };
  const all = (sql: string) => database.prepare<[], Row>(sql).all();
  must(database.pragma('integrity_check', { simple: true }) === 'ok', 'integrity_check fails');
  must(all('PRAGMA foreign_key_check').length === 0, 'foreign_key_check fails');

  const rows = {
    key: all('SELECT * FROM keys'),
    owner: all('SELECT * FROM owners'),
    workspace: all('SELECT * FROM workspaces'),
  };
  // In the order of their ids, which of one object is that of its commits but for crossed milliseconds.
  const events = all('SELECT * FROM events ORDER BY position');
  const usage = new Map(
    all('SELECT id, last_used_at FROM key_usage JOIN keys ON position = key_position').map(
      ({ id, last_used_at }) => [id, Number(last_used_at)],
    ),
  );
  const shown = new Map([
    ...rows.key.map((row) => [row.id, shownKey(row)] as const),
    ...rows.owner.map((row) => [row.id, shownOwner(row)] as const),
    ...rows.workspace.map((row) => [row.id, shownWorkspace(row)] as const),
  ]);

  // Each object is what its events made it, and has one for each of its versions.
  const chains = replay(events, shown, must);
  let changes = 0;
  for (const [type, ofType] of Object.entries(rows)) {
    for (const row of ofType) {
      const chain = chains.get(row.id);
      const told = chain?.states.length ?? 0;
      changes += Number(row.version);
      must(told === row.version, `${type} ${row.id} has version ${row.version}, ${told} events`);
      must(
        isDeepStrictEqual(chain?.states.at(-1), shown.get(row.id)),
        `${type} ${row.id} is not what its events say`,
      );
    }
  }
  for (const id of chains.keys()) must(shown.has(id), `events tell of ${id}, which is not there`);
  const installed = all("SELECT id FROM events WHERE type LIKE 'installation.%'").length;
  must(installed === 1, `${installed} installations`);
  must(events.length === changes + 1, `${events.length} events for ${changes + 1} changes`);

  const ownerOf = new Map(rows.owner.map((row) => [`${row.workspace_id} ${row.external_id}`, row]));
  const workspaceOf = new Map(rows.workspace.map((row) => [row.id, row]));
  const verdicts = new Map<string, readonly string[]>();
  let leftover = 0;
  for (const key of rows.key) {
    const owner = ownerOf.get(`${key.workspace_id} ${key.owner_id}`);
    const workspace = workspaceOf.get(String(key.workspace_id));
    must(key.owner_id === null || owner !== undefined, `key ${key.id} names an owner not there`);
    const secret = ledger.secrets.get(key.id);
    if (secret !== undefined) {
      const digest = createHash('sha256').update(secret).digest();
      must(digest.equals(Buffer.from(Object(key.digest))), `key ${key.id} has another digest`);
    }
    must(!ledger.ended.has(key.id) || key.revoked_at !== null, `the end of ${key.id} is lost`);
    if (key.erased_at !== null) {
      const rest = [key.name, key.owner_id, key.revoked_reason].some((fact) => fact !== null);
      must(!rest && key.metadata === '{}' && !usage.has(key.id), `tombstone ${key.id} has facts`);
      must(key.revoked_at !== null && key.deleted_at !== null, `tombstone ${key.id} is not ended`);
    }
    const isDeleted = workspace !== undefined && workspace.deleted_at !== null;
    if (isDeleted && key.erased_at === null) leftover++;
    verdicts.set(key.id, verdictOf(key, owner, workspace));
  }
  for (const { name } of all(
    "SELECT name AS id, name FROM keys WHERE name LIKE 'key %' GROUP BY name HAVING count(*) > 1",
  )) {
    problems.push(`there are several keys named ${name}`);
  }
  for (const [id, at] of usage) {
    must(at <= (ledger.uses.get(id) ?? Date.now()), `key ${id} was last used in the future`);
    must(at >= (before?.lastUses.get(id) ?? 0), `the last use of key ${id} moved back`);
  }

  const told = checkRequests(ledger, events, chains, must);
  checkReplies(database, ledger, chains, must);
  return {
    ...told,
    events: events.length,
    verdicts,
    keys: new Map(rows.key.map(({ id }) => [id, shown.get(id) ?? {}])),
    lastUses: usage,
    leftover,
  };
}

type Must = (truth: boolean, problem: string) => void;

function replay(
  events: readonly Row[],
  shown: ReadonlyMap<string, Json>,
  must: Must,
): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  for (const { id, type, subject_id, request_id, before, after } of events) {
    const subject = String(subject_id);
    if (String(type).startsWith('installation.')) continue;
    const chain = chains.get(subject) ?? { states: [], requests: [], types: [] };
    chains.set(subject, chain);
    const last = chain.states.at(-1) ?? null;
    const was: Json | null = before === null ? null : JSON.parse(String(before));
    const is: Json | null = after === null ? null : JSON.parse(String(after));
    must((last === null) === String(type).endsWith('.created'), `event ${id} is out of order`);
    const named =
      last && was && Object.fromEntries(Object.keys(was).map((key) => [key, last[key]]));
    must(isDeepStrictEqual(was, named), `event ${id} (${type}) tells of another state before`);
    // Erasing leaves nothing to tell of, and nothing can follow it.
    chain.states.push(type === 'key.erased' ? (shown.get(subject) ?? {}) : { ...last, ...is });
    chain.requests.push(request_id === null ? null : String(request_id));
    chain.types.push(String(type));
  }
  return chains;
}

/** Every acknowledged change is there as acknowledged, every other whole or absent. */
function checkRequests(
  ledger: Ledger,
  events: readonly Row[],
  chains: ReadonlyMap<string, Chain>,
  must: Must,
): Pick<Found, 'acknowledged' | 'unacknowledged' | 'done'> {
  const byRequest = Map.groupBy(events, ({ request_id }) => request_id);
  const known = new Set(ledger.asked.map(({ id }) => id));
  for (const [id, [event]] of byRequest) {
    if (id === null) must(event?.actor_type === 'system', `event ${event?.id} came from nowhere`);
    else must(known.has(String(id)), `request ${id} is in the file and was never sent`);
  }
  let acknowledged = 0;
  const unacknowledged = { whole: 0, absent: 0 };
  for (const asked of ledger.asked) {
    const { id, makes, reply } = asked;
    const what = `${asked.method} ${asked.path} (${id})`;
    const own = byRequest.get(id) ?? [];
    const main = own.filter(({ type }) => makes.includes(String(type)));
    const beside = own.filter((event) => !main.includes(event));
    must(main.length <= 1, `${what} happened ${main.length} times`);
    must(
      beside.length === 0 || (main.length === 1 && beside.length === 1),
      `${what} is there in half`,
    );
    must(
      beside.every(({ type }) => type === 'owner.created'),
      `${what} did more than it says`,
    );
    if (reply === null) {
      unacknowledged[main.length === 1 ? 'whole' : 'absent']++;
    } else if (reply.status >= 300) {
      must(own.length === 0, `${what} was refused with ${reply.status} and done`);
    } else {
      acknowledged++;
      checkAcknowledged(asked, reply, main[0], chains, (truth, problem) =>
        must(truth, `${what}, acknowledged with ${reply.status}: ${problem}`),
      );
    }
  }
  return { acknowledged, unacknowledged, done: new Set([...byRequest.keys()].map(String)) };
}

function checkAcknowledged(
  { makes, holds }: Asked,
  { body, version, replayed }: Reply,
  main: Row | undefined,
  chains: ReadonlyMap<string, Chain>,
  must: Must,
): void {
  const { status: _, last_used_at: __, key: ___, ...facts } = body;
  const chain = chains.get(String(body.id));
  must(holds(body), 'the reply is not what was asked for');
  must(chain !== undefined, 'the object is not there');
  const state = chain?.states[(version ?? 0) - 1];
  must(state !== undefined, `version ${version} is not there`);
  must(isDeepStrictEqual(facts, state), `version ${version} is another than the reply shows`);
  const type = chain?.types[(version ?? 0) - 1] ?? '';
  if (main !== undefined) {
    must(!replayed, 'a repeated reply did something');
    must(chain?.requests[(version ?? 0) - 1] === main.request_id, 'its event made another version');
  } else if (!replayed) {
    const mayBeDone = !['created', 'updated', 'erased', 'deleted'].some((past) =>
      makes.some((made) => made.endsWith(past)),
    );
    must(mayBeDone, `there is no event of it, version ${version} came by ${type}`);
  }
}

/** A reply is kept exactly where its change is. */
function checkReplies(
  database: Database.Database,
  ledger: Ledger,
  chains: ReadonlyMap<string, Chain>,
  must: Must,
): void {
  const kept = database
    .prepare<[], { key_id: string | null; count: number }>(
      'SELECT key_id, count(*) AS count FROM replies GROUP BY key_id',
    )
    .all();
  const ofKey = new Map(kept.map(({ key_id, count }) => [key_id, count]));
  const retryable = new Map(
    ledger.asked.filter(({ idempotencyKey }) => idempotencyKey).map((asked) => [asked.id, asked]),
  );
  let created = 0;
  for (const [id, { requests, types }] of chains) {
    if (types[0] !== 'key.created' || !retryable.has(requests[0] ?? '')) continue;
    created++;
    must(ofKey.get(id) === 1, `key ${id} has ${ofKey.get(id) ?? 0} replies kept`);
  }
  const ofKeys = kept.filter(({ key_id }) => key_id !== null).length;
  must(ofKeys === created, `${ofKeys} replies with a key for ${created} keys`);
  const others = [...retryable.values()].filter(({ makes }) => !makes.includes('key.created'));
  const least = others.filter(({ reply }) => reply && reply.status < 300 && !reply.replayed).length;
  const open = others.filter(({ reply }) => reply === null).length;
  const count = ofKey.get(null) ?? 0;
  must(
    count >= least && count <= least + open,
    `${count} other replies kept, not ${least}..${least + open}`,
  );
}

function verdictOf(key: Row, owner: Row | undefined, workspace: Row | undefined): string[] {
  // Whoever comes back first may erase what is left of a deleted workspace.
  const meanwhile = workspace && workspace.deleted_at !== null ? ['revoked'] : [];
  if (key.kind === 'management') return ['wrong_kind'];
  if (key.revoked_at !== null) return ['revoked'];
  if (workspace && workspace.suspended_at !== null) return ['suspended', ...meanwhile];
  if (owner && owner.suspended_at !== null) return ['suspended'];
  return [key.enabled ? 'valid' : 'disabled'];
}

const moment = (at: string | number | null | undefined) =>
  typeof at === 'number' ? new Date(at).toISOString() : null;
const json = (text: string | number | null | undefined) => JSON.parse(String(text ?? 'null'));

function shownKey(row: Row): Json {
  const grants = json(row.grants);
  return {
    id: row.id,
    handle: row.handle,
    workspace_id: row.workspace_id,
    kind: row.kind,
    name: row.name,
    environment: row.environment,
    format: row.format,
    prefix: row.token_prefix,
    start: row.token_start,
    end: row.token_end,
    enabled: row.enabled === 1,
    soft_blocked: row.soft_blocked === 1,
    owner_id: row.owner_id,
    scopes: json(row.scopes) ?? [],
    permissions: json(row.permissions) ?? [],
    grants: grants && {
      scopes: grants.scopes,
      environments: grants.environments,
      max_life_seconds: grants.maxLifeSeconds,
    },
    allowed_cidrs: json(row.allowed_cidrs),
    allow_self_revoke: row.allow_self_revoke === 1,
    limits: json(row.limits),
    metadata: json(row.metadata),
    extension: json(row.extension),
    // The load gives none.
    credits: json(row.credits),
    created_by: { type: row.created_by_type, id: row.created_by_id },
    replaces: row.replaces,
    created_at: moment(row.created_at),
    updated_at: moment(row.updated_at),
    not_before: moment(row.not_before),
    expires_at: moment(row.expires_at),
    revoked_at: moment(row.revoked_at),
    revoked_reason: row.revoked_reason,
    deleted_at: moment(row.deleted_at),
  };
}

function shownOwner(row: Row): Json {
  return {
    id: row.id,
    workspace_id: row.workspace_id,
    owner_id: row.external_id,
    type: row.type,
    name: row.name,
    metadata: json(row.metadata),
    limits: json(row.limits),
    credits: json(row.credits),
    created_at: moment(row.created_at),
    updated_at: moment(row.updated_at),
    suspended_at: moment(row.suspended_at),
    erased_at: moment(row.erased_at),
  };
}

function shownWorkspace(row: Row): Json {
  const settings = Object.entries<unknown>(json(row.settings)).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    is_default: row.is_default === 1,
    created_by: { type: row.created_by_type, id: row.created_by_id },
    settings: Object.fromEntries(settings),
    created_at: moment(row.created_at),
    updated_at: moment(row.updated_at),
    suspended_at: moment(row.suspended_at),
    deleted_at: moment(row.deleted_at),
  };
}
