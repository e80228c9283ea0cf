// The store in SQL, as far as the engines agree: its tables, and the statements
// that read or write one row. Each is built once with kysely and compiled to a
// text with slots; an engine's own driver runs the text. Lists are in slices.ts,
// the order of a commit is in commit.ts.

import { positionOf } from '@warder/core';
import {
  type Compilable,
  type Expression,
  expressionBuilder,
  type Kysely,
  type RawBuilder,
  type SqlBool,
  sql,
} from 'kysely';
import { REPLY_COLUMNS, type ReplyRow } from './reply-rows.ts';
import {
  type InstallationRow,
  KEY_COLUMNS,
  KEY_ORDER_COLUMNS,
  type KeyOrderRow,
  type KeyRow,
  ORDER_COLUMNS,
  type OrderRow,
  OWNER_COLUMNS,
  type OwnerRow,
  WINDOW_COLUMNS,
  type WindowRow,
  WORKSPACE_COLUMNS,
  type WorkspaceRow,
} from './rows.ts';
import type { NewKeyRow, SecretCheckRow, Tables } from './tables.ts';

/** For texts that the builder has no words for; values in them are parameters all the same. */
export { type RawBuilder, sql } from 'kysely';
export type { NewKeyRow, SecretCheckRow, Tables } from './tables.ts';

export type Builder = Kysely<Tables>;

/** Conditions on the rows of a table, for any statement that reads it. */
export const conditionsOn = <Table extends keyof Tables>(_table: Table) =>
  expressionBuilder<Tables, Table>();
export type Condition = Expression<SqlBool>;

/** What a driver runs. */
export interface Query {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A text compiled once, waiting for its values. */
export interface Statement<Values> {
  with(values: Values): Query;
}

export type Statements = ReturnType<typeof statements>;

/** The statements of one row each, in the SQL of the engine that `builder` compiles for. */
export function statements(builder: Builder) {
  const insert = <Row extends object>(table: keyof Tables, columns: readonly (keyof Row)[]) =>
    insertInto<Row>(builder, table, columns);
  const keys = selectKeys(builder);

  return {
    key: prepare<At>((slots) =>
      keys.where(isAt('keys', slots)).where('keys.erased_at', 'is', null),
    ),
    keyWithin: prepare<At & { workspaceId: string }>((slots) =>
      keys
        .where(isAt('keys', slots))
        .where('keys.workspace_id', '=', slots.workspaceId)
        .where('keys.erased_at', 'is', null),
    ),
    keyOfHandle: prepare<{ handle: string }>(({ handle }) =>
      keys.where('handle', '=', handle).where('keys.erased_at', 'is', null),
    ),
    candidate: everyCount((count) =>
      prepare<readonly Uint8Array[]>((slots) =>
        selectCandidates(builder).where('keys.digest', 'in', pick(slots, count)),
      ),
    ),
    workspace: prepare<{ id: string }>(({ id }) =>
      builder.selectFrom('workspaces').select(WORKSPACE_COLUMNS).where('id', '=', id),
    ),
    workspaceOfSlug: prepare<{ slug: string }>(({ slug }) =>
      builder
        .selectFrom('workspaces')
        .select(WORKSPACE_COLUMNS)
        .where('slug', '=', slug)
        .where('deleted_at', 'is', null),
    ),
    ownerOfId: prepare<At>((slots) => selectOwners(builder).where(isAt('owners', slots))),
    owner: prepare<{ workspaceId: string; externalId: string }>(({ workspaceId, externalId }) =>
      selectOwners(builder)
        .where('workspace_id', '=', workspaceId)
        .where('external_id', '=', externalId),
    ),
    reply: prepare<{ id: string }>(({ id }) =>
      builder.selectFrom('replies').select(REPLY_COLUMNS).where('id', '=', id),
    ),
    installation: prepare<object>(() =>
      builder
        .selectFrom('installation')
        .leftJoin('secret_checks', (join) => join.onTrue())
        .select(['default_workspace_id', 'created_at', 'name', 'value'])
        .orderBy('name'),
    ),

    insertKey: insert<NewKeyRow>('keys', [
      ...KEY_COLUMNS,
      ...KEY_ORDER_COLUMNS,
      'digest',
      'pepper_version',
    ]),
    insertWorkspace: insert<WorkspaceRow & OrderRow>('workspaces', [
      ...WORKSPACE_COLUMNS,
      ...ORDER_COLUMNS,
    ]),
    insertOwner: insert<OwnerRow & OrderRow>('owners', [...OWNER_COLUMNS, ...ORDER_COLUMNS]),
    insertReply: insert<ReplyRow>('replies', REPLY_COLUMNS),
    insertInstallation: insert<InstallationRow>('installation', [
      'id',
      'default_workspace_id',
      'created_at',
    ]),
    insertSecretCheck: insert<SecretCheckRow>('secret_checks', ['name', 'value']),

    /** Writes nothing unless the row is of that workspace and version. */
    updateKey: prepare<KeyRow & KeyOrderRow & { was: number }>((slots) =>
      builder
        .updateTable('keys')
        .set(changeable(slots, [...KEY_COLUMNS, ...KEY_ORDER_COLUMNS]))
        .where(isAt('keys', slots))
        .where('version', '=', slots.was)
        .where('workspace_id', 'is not distinct from', slots.workspace_id),
    ),
    updateWorkspace: prepare<WorkspaceRow & OrderRow & { was: number }>((slots) =>
      builder
        .updateTable('workspaces')
        .set(changeable(slots, [...WORKSPACE_COLUMNS, ...ORDER_COLUMNS]))
        .where('id', '=', slots.id)
        .where('version', '=', slots.was),
    ),
    updateOwner: prepare<OwnerRow & OrderRow & { was: number }>((slots) =>
      builder
        .updateTable('owners')
        .set(changeable(slots, [...OWNER_COLUMNS, ...ORDER_COLUMNS]))
        .where(isAt('owners', slots))
        .where('version', '=', slots.was)
        .where('workspace_id', '=', slots.workspace_id),
    ),
    forgetUse: prepare<At>(({ position }) =>
      builder.deleteFrom('key_usage').where('key_position', '=', position),
    ),
    forgetRefusals: prepare<At>(({ position }) =>
      builder.deleteFrom('key_refusals').where('key_position', '=', position),
    ),
    /** Leaves the figures of what is gone to upkeep: there may be thousands of them. */
    forgetUsage: insert<Tables['usage_to_forget']>('usage_to_forget', ['kind', 'position']),
    dropEndedReply: prepare<{ id: string; now: number }>(({ id, now }) =>
      builder.deleteFrom('replies').where('id', '=', id).where('expires_at', '<=', now),
    ),

    /** A row when the workspace is there and not deleted. */
    liveWorkspace: prepare<{ id: string }>(({ id }) =>
      builder
        .selectFrom('workspaces')
        .select('id')
        .where('id', '=', id)
        .where('deleted_at', 'is', null),
    ),
    /** A row when another workspace that is not deleted has the slug. */
    slugTaken: prepare<{ id: string; slug: string }>(({ id, slug }) =>
      builder
        .selectFrom('workspaces')
        .select('id')
        .where('slug', '=', slug)
        .where('id', '!=', id)
        .where('deleted_at', 'is', null),
    ),
    /** A row when the workspace has more than `most` keys in force: no more than that are looked at. */
    moreKeysOfWorkspace: prepare<{ workspaceId: string; most: number }>(({ workspaceId, most }) =>
      keysInForce(builder, workspaceId).limit(1).offset(most),
    ),
    moreKeysOfOwner: prepare<{ workspaceId: string; ownerId: string; most: number }>(
      ({ workspaceId, ownerId, most }) =>
        keysInForce(builder, workspaceId).where('owner_id', '=', ownerId).limit(1).offset(most),
    ),

    /** Keys whose time has come, those that wait longest first. */
    turning: prepare<{ now: number; most: number }>(({ now, most }) =>
      keys
        .where('turns_at', 'is not', null)
        .where('turns_at', '<=', now)
        .orderBy('turns_at')
        .limit(most),
    ),
    turn: prepare<At & Pick<KeyOrderRow, 'state' | 'turns_at'>>((slots) =>
      builder
        .updateTable('keys')
        .set({ state: slots.state, turns_at: slots.turns_at })
        .where(isAt('keys', slots)),
    ),
    recordWindow: prepare<WindowRow>(({ id, started_at, ends_at, taken }) =>
      builder
        .insertInto('limit_windows')
        .values({ id, started_at, ends_at, taken })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((one) => ({
            started_at: one.ref('excluded.started_at'),
            ends_at: one.ref('excluded.ends_at'),
            taken: one.ref('excluded.taken'),
          })),
        ),
    ),
    window: prepare<{ id: string }>(({ id }) =>
      builder.selectFrom('limit_windows').select(WINDOW_COLUMNS).where('id', '=', id),
    ),
    windows: prepare<{ now: number; after: string; most: number }>(({ now, after, most }) =>
      builder
        .selectFrom('limit_windows')
        .select(WINDOW_COLUMNS)
        .where('id', '>', after)
        .where('ends_at', '>', now)
        .orderBy('id')
        .limit(most),
    ),
    endedWindow: prepare<{ now: number }>(({ now }) =>
      builder.selectFrom('limit_windows').select('id').where('ends_at', '<=', now).limit(1),
    ),
    pruneWindows: prepare<{ now: number; most: number }>(({ now, most }) =>
      builder
        .deleteFrom('limit_windows')
        .where('id', 'in', (one) =>
          one.selectFrom('limit_windows').select('id').where('ends_at', '<=', now).limit(most),
        ),
    ),
    pruneReplies: prepare<{ now: number; most: number }>(({ now, most }) =>
      builder
        .deleteFrom('replies')
        .where('id', 'in', (one) =>
          one.selectFrom('replies').select('id').where('expires_at', '<=', now).limit(most),
        ),
    ),
    /** Reads one row of the file, or fails. */
    check: prepare<object>(() => builder.selectFrom('installation').select('id')),
  };
}

/** Writes a new row; a clash writes nothing and is seen by the count of rows written. */
export function insertInto<Row extends object>(
  builder: Builder,
  table: keyof Tables,
  columns: readonly (keyof Row)[],
): Statement<Row> {
  return prepare((slots) => {
    const values = Object.fromEntries(columns.map((column) => [column, slots[column]]));
    return builder
      .insertInto(table)
      .values(values as never)
      .onConflict((conflict) => conflict.doNothing());
  });
}

/** Keys with their last use, without their digest: the one way that keys are read. */
export function selectKeys(builder: Builder) {
  return builder
    .selectFrom('keys')
    .leftJoin('key_usage', 'key_usage.key_position', 'keys.position')
    .leftJoin('balances', 'balances.subject', 'keys.id')
    .select(KEY_COLUMNS.map((column) => `keys.${column}` as const))
    .select(['key_usage.last_used_at', 'balances.balance', 'balances.refill_at']);
}

/** Owners with the balance that their keys share. */
export function selectOwners(builder: Builder) {
  return builder
    .selectFrom('owners')
    .leftJoin('balances', 'balances.subject', 'owners.id')
    .select(OWNER_COLUMNS.map((column) => `owners.${column}` as const))
    .select(['balances.balance', 'balances.refill_at']);
}

/** Keys joined with what else bears on them: the owner's columns start with `o_`, the workspace's with `w_`. */
function selectCandidates(builder: Builder) {
  return selectKeys(builder)
    .leftJoin('workspaces', 'workspaces.id', 'keys.workspace_id')
    .leftJoin('owners', (join) =>
      join
        .onRef('owners.workspace_id', '=', 'keys.workspace_id')
        .onRef('owners.external_id', '=', 'keys.owner_id'),
    )
    .leftJoin('balances as shared', 'shared.subject', 'owners.id')
    .select(OWNER_COLUMNS.map((column) => `owners.${column} as o_${column}` as const))
    .select(['shared.balance as o_balance', 'shared.refill_at as o_refill_at'])
    .select(WORKSPACE_COLUMNS.map((column) => `workspaces.${column} as w_${column}` as const));
}

function keysInForce(builder: Builder, workspaceId: string) {
  return builder
    .selectFrom('keys')
    .select('position')
    .where('workspace_id', '=', workspaceId)
    .where('revoked_at', 'is', null);
}

/** How a row is found: by its position, and by the whole id that gave it. */
export interface At {
  readonly position: bigint;
  readonly id: string;
}

export function at(id: string): At {
  return { position: positionOf(id), id };
}

export function isAt<Table extends 'keys' | 'owners' | 'members'>(
  table: Table,
  { position, id }: At,
): Condition {
  const on = conditionsOn('keys');
  // All of these tables have these two columns.
  return on.and([
    on(`${table as 'keys'}.position`, '=', position),
    on(`${table as 'keys'}.id`, '=', id),
  ]);
}

/** Stands in a compiled text for a value that comes later. */
class Slot {
  readonly name: PropertyKey;
  constructor(name: PropertyKey) {
    this.name = name;
  }
}

export function prepare<Values extends object>(
  build: (slots: Values) => Compilable,
): Statement<Values> {
  // kysely puts any value among the parameters as it is, so a slot can pass for one of its type.
  const slots = new Proxy({}, { get: (_, name) => new Slot(name) }) as Values;
  const { sql, parameters } = build(slots).compile();
  return {
    with: (values) => ({
      sql,
      parameters: parameters.map((one) =>
        one instanceof Slot ? values[one.name as keyof Values] : one,
      ),
    }),
  };
}

/** The larger of a column and a value: the engines have no common name for it. */
export function atLeast(column: string, value: number): RawBuilder<number> {
  const ref = sql.ref(column);
  return sql<number>`case when ${ref} < ${value} then ${value} else ${ref} end`;
}

/** One statement for each number of values, made when it is first asked for. */
function everyCount<Values>(make: (count: number) => Statement<Values>) {
  const made = new Map<number, Statement<Values>>();
  return (count: number): Statement<Values> => {
    const found = made.get(count) ?? make(count);
    made.set(count, found);
    return found;
  };
}

function pick<Value>(slots: readonly Value[], count: number): Value[] {
  return Array.from({ length: count }, (_, i) => slots[i] as Value);
}

/** What an update may write: never which row it is, nor where it belongs. */
export function changeable<Row extends object>(
  slots: Row,
  columns: readonly (keyof Row & string)[],
) {
  const fixed = ['id', 'workspace_id', 'position'];
  const written = columns.filter((column) => !fixed.includes(column));
  return Object.fromEntries(written.map((column) => [column, slots[column]]));
}
