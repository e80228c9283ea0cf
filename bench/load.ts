// Very many keys, fast: rows made of the core's objects by the stores' own mapping, written
// in bulk. For measurements, never for data that matters.

import {
  type Actor,
  createWorkspace,
  type Key,
  NO_ORIGIN,
  type StandardKey,
  uuid7,
  type Workspace,
} from '@warder/core';
import Database from 'better-sqlite3';
import {
  KEY_COLUMNS,
  KEY_ORDER_COLUMNS,
  ORDER_COLUMNS,
  orderOfKey,
  orderOfWorkspace,
  rowOfKey,
  rowOfWorkspace,
  WORKSPACE_COLUMNS,
} from '../packages/server/src/rows.ts';
import { fillSearch } from '../packages/server/src/storage/embedded/search.ts';

export interface ManyKeys {
  /** How many keys each workspace gets. */
  readonly keys: readonly number[];
  /** When the last of them was made. */
  readonly now: number;
  /** What the nth of all is called, where that matters. */
  readonly nameOf?: (i: number) => string;
}

/** A file that `openEmbedded` made and closed. */
export interface LoadOptions extends ManyKeys {
  readonly file: string;
}

/** A row of each table that a key or a workspace has one in. */
export type MadeRow = {
  readonly table: 'workspaces' | 'keys' | 'key_usage';
  readonly row: object;
};

export const HALF = {
  owner: 'customer-half',
  maker: 'maker-half',
  scope: 'half:read',
  plan: 'gold',
};
export const ONE = { owner: 'customer-one', maker: 'maker-one', scope: 'one:read', plan: 'single' };
/** In the name of half of all keys, and of one in each workspace. */
export const WORDS = { half: 'deploy', one: 'needle' };

/** What FTS5 gathers before it writes; its own default is far less. */
const SEARCH_BUFFER = 256 * 1024 * 1024;
const KEYS_A_SEGMENT = 250_000;
const MINUTE = 60_000;
const DAY = 86_400_000;

/**
 * Workspaces whose keys are spread over one another in time. By each filter half of a
 * workspace's keys match HALF and one, in its middle, ONE; the one after it is a management key.
 */
export function manyKeys({ keys, now, nameOf }: ManyKeys) {
  const total = keys.reduce((sum, count) => sum + count, 0);
  const start = now - total * MINUTE;
  const workspaces = keys.map((_, i) => workspaceNumber(i, start));
  return { workspaces, rows: () => rowsOf(workspaces, { keys, now, ...(nameOf && { nameOf }) }) };
}

function* rowsOf(
  workspaces: readonly Workspace[],
  { keys, now, nameOf }: ManyKeys,
): Generator<MadeRow> {
  const total = keys.reduce((sum, count) => sum + count, 0);
  const start = now - total * MINUTE;
  for (const one of workspaces)
    yield { table: 'workspaces', row: { ...rowOfWorkspace(one), ...orderOfWorkspace(one) } };
  const made = keys.map(() => 0);
  for (let i = 0; i < total; i++) {
    const home = behindMost(made, keys);
    const [workspace, count] = [workspaces[home], keys[home]];
    if (!workspace || count === undefined) break;
    const usual = keyNumber(made[home] ?? 0, count, workspace, start + i * MINUTE, i);
    const key = nameOf === undefined ? usual : { ...usual, name: nameOf(i) };
    const order = orderOfKey(key);
    const day = key.lastUsedAt === null ? 0 : Math.floor(key.lastUsedAt / DAY);
    const digest = Buffer.alloc(32);
    digest.writeUInt32BE((i * 2_654_435_761) >>> 0);
    digest.writeUInt32BE(i, 4);
    const row = { ...rowOfKey(key), ...order, digest, pepper_version: 0, last_used_day: day };
    yield { table: 'keys', row };
    if (key.lastUsedAt !== null) {
      const used = { key_position: order.position, last_used_at: key.lastUsedAt };
      yield { table: 'key_usage', row: used };
    }
    made[home] = (made[home] ?? 0) + 1;
  }
}

/** Loads them into a file. */
export function load({ file, ...many }: LoadOptions): readonly Workspace[] {
  const database = new Database(file);
  database.pragma('journal_mode = OFF');
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -1000000');
  database.pragma('temp_store = MEMORY');
  // Sorting once is cheaper than keeping all indices sorted.
  const indices = database
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'keys' AND sql IS NOT NULL",
    )
    .all();
  for (const { name } of indices) database.exec(`DROP INDEX ${name}`);
  const searchBuffer = database.prepare(
    "INSERT INTO key_search (key_search, rank) VALUES ('hashsize', ?)",
  );
  searchBuffer.run(BigInt(SEARCH_BUFFER));
  const { workspaces, rows } = manyKeys(many);
  const insert = {
    workspaces: inserting(database, 'workspaces', [...WORKSPACE_COLUMNS, ...ORDER_COLUMNS]),
    keys: inserting(database, 'keys', [
      ...KEY_COLUMNS,
      ...KEY_ORDER_COLUMNS,
      'digest',
      'pepper_version',
      'last_used_day',
    ]),
    key_usage: inserting(database, 'key_usage', ['key_position', 'last_used_at']),
  };
  database.transaction(() => {
    for (const { table, row } of rows()) insert[table].run(row);
  })();
  for (const { sql } of indices) database.exec(sql);
  database.transaction(() => {
    while (fillSearch(database, KEYS_A_SEGMENT));
  })();
  searchBuffer.run(BigInt(1024 * 1024));
  database.pragma('journal_mode = WAL');
  database.close();
  return workspaces;
}

/** The workspace that has the least share of its keys. */
function behindMost(made: readonly number[], keys: readonly number[]): number {
  const shares = keys.map((count, i) => (count === 0 ? 1 : (made[i] ?? 0) / count));
  return shares.indexOf(Math.min(...shares));
}

function inserting(database: Database.Database, table: string, columns: readonly string[]) {
  const names = columns.map((column) => `"${column}"`).join(', ');
  const values = columns.map((column) => `@${column}`).join(', ');
  return database.prepare(`INSERT INTO ${table} (${names}) VALUES (${values})`);
}

function workspaceNumber(i: number, at: number): Workspace {
  const act = {
    actor: { type: 'system', id: 'bench' } as const,
    origin: NO_ORIGIN,
    at,
    newId: () => idOf(at + i, i),
  };
  const settings = { metadataFilters: ['plan'] };
  return createWorkspace({ name: `Workspace ${i}`, slug: `workspace-${i}`, settings }, act)
    .workspace;
}

/** The key that stands so far in its workspace of `count`; `i` is its number among all. */
function keyNumber(place: number, count: number, workspace: Workspace, at: number, i: number): Key {
  const one = place === count >> 1;
  const half = (bit: number) => ((mixed(i) >>> bit) & 1) === 0;
  const pick = <Name extends keyof typeof HALF>(bit: number, name: Name) =>
    one ? ONE[name] : half(bit) ? HALF[name] : `${name}-${i % 1_000}`;
  const text = `${mixed(i).toString(36)}${mixed(i + 7).toString(36)}aaaaaaaa`;
  const createdBy: Actor = { type: 'key', id: pick(1, 'maker') };
  const revoked = half(5) && !one;
  const key: StandardKey = {
    id: idOf(at, i),
    handle: i.toString(16).padStart(64, '0'),
    workspaceId: workspace.id,
    kind: 'standard',
    environment: half(2) ? 'live' : 'test',
    format: 'warder',
    prefix: 'wdr_live_',
    start: text.slice(0, 8),
    end: text.slice(4, 12),
    enabled: !one,
    softBlocked: false,
    name: one
      ? `The ${WORDS.one} ${i}`
      : half(3)
        ? `CI ${WORDS.half} ${i}`
        : `Key of team ${i % 300}`,
    ownerId: pick(0, 'owner'),
    scopes: [pick(4, 'scope'), 'files:read'],
    allowedCidrs: [],
    allowSelfRevoke: false,
    limits: null,
    metadata: { plan: pick(6, 'plan'), seats: i % 50 },
    extension: {},
    credits: null,
    notBefore: null,
    expiresAt: one ? at + 20 * 365 * DAY : half(7) ? null : at + 6 * 365 * DAY,
    createdBy,
    replaces: null,
    createdAt: at,
    updatedAt: at,
    lastUsedAt: one ? at - 20 * 365 * DAY : half(8) ? null : at + DAY,
    revokedAt: revoked ? at : null,
    revokedReason: null,
    deletedAt: null,
    erasedAt: null,
    version: 1,
  };
  if (place !== (count >> 1) + 1) return key;
  const { scopes: _, ...rest } = key;
  const grants = { scopes: [], environments: [], maxLifeSeconds: null };
  return { ...rest, kind: 'management', permissions: ['keys:read'], grants };
}

function idOf(at: number, i: number): string {
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(2, i);
  return uuid7(at, random);
}

/** A number that looks random and is the same in every run. */
function mixed(i: number): number {
  let value = Math.imul(i ^ 0x9e3779b9, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
