// Chains of events in SQL: how an event is written, sealed, erased and pruned, and
// what each of these finds to do.

import type { Chain, Erasure, Evidence, Link, Seal, StoredEvent, Trace } from '@warder/core';
import {
  CHAIN_COLUMNS,
  type ChainRow,
  chainOf,
  EVENT_COLUMNS,
  type EventRow,
  eventOf,
  evidenceOf,
  type NewEventRow,
  SEALED_COLUMNS,
  type SealedRow,
} from './event-rows.ts';
import { keyOf, OWNER_COLUMNS, type OwnerRow, ownerOf, type UsedKeyRow } from './rows.ts';
import type { Listing, Within } from './slices.ts';
import { atLeast, type Builder, conditionsOn, prepare, selectKeys } from './storage.ts';

export type ChainStatements = ReturnType<typeof chainStatements>;

/** The statements of one row each, and of one step of a chain. */
export function chainStatements(builder: Builder) {
  return {
    /** Resolves the names of the owners whose data it holds; they must be written before it. */
    insertEvent: prepare<NewEventRow>((slots) => {
      const { workspace_id, actor_id, actor_position, owner, former_owner } = slots;
      const idOf = (name: string | null) =>
        builder
          .selectFrom('owners')
          .select('id')
          .where('workspace_id', '=', workspace_id)
          .where('external_id', '=', name);
      const ofActor = builder
        .selectFrom('keys')
        .innerJoin('owners', (join) =>
          join
            .onRef('owners.workspace_id', '=', 'keys.workspace_id')
            .onRef('owners.external_id', '=', 'keys.owner_id'),
        )
        .select('owners.id')
        .where('keys.position', '=', actor_position)
        .where('keys.id', '=', actor_id);
      return builder
        .insertInto('events')
        .values({
          ...Object.fromEntries(NEW_COLUMNS.map((column) => [column, slots[column]])),
          owner_id: idOf(owner),
          former_owner_id: idOf(former_owner),
          actor_owner_id: ofActor,
        } as never)
        .onConflict((conflict) => conflict.doNothing());
    }),

    /** Writes nothing where the event was sealed or erased meanwhile. */
    sealEvent: prepare<Stood & Sealing>((slots) =>
      builder
        .updateTable('events')
        .set({
          chain: slots.chain,
          number: slots.number,
          mac: slots.mac,
          payload_salt: slots.payloadSalt,
          payload_digest: slots.payloadDigest,
          address_salt: slots.addressSalt,
          address_digest: slots.addressDigest,
        })
        .where('position', '=', slots.position)
        .where('number', 'is', null)
        .where('before', 'is not distinct from', slots.before)
        .where('after', 'is not distinct from', slots.after)
        .where('address', 'is not distinct from', slots.address),
    ),
    makeChain: prepare<{ name: string } & Link>(({ name, number, mac }) =>
      builder
        .insertInto('chains')
        .values({ name, number, mac, base_number: 0, base_mac: '', base_seal: null, logged: 0 })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    moveHead: prepare<{ name: string; was: number; wasMac: string } & Link>((slots) =>
      builder
        .updateTable('chains')
        .set({ number: slots.number, mac: slots.mac })
        .where('name', '=', slots.name)
        .where('number', '=', slots.was)
        .where('mac', '=', slots.wasMac),
    ),

    erasePayload: prepare<Place>(({ position, workspaceId, at }) =>
      builder
        .updateTable('events')
        .set({ before: null, after: null, payload_salt: null, erased_at: at })
        .where('position', '=', position)
        .where('workspace_id', '=', workspaceId),
    ),
    eraseAddress: prepare<Place>(({ position, workspaceId, at }) =>
      builder
        .updateTable('events')
        .set({ address: null, address_salt: null, erased_at: at })
        .where('position', '=', position)
        .where('workspace_id', '=', workspaceId),
    ),

    pruneEvents: prepare<{ name: string; number: number }>(({ name, number }) =>
      builder.deleteFrom('events').where('chain', '=', name).where('number', '<=', number),
    ),
    moveBase: prepare<{ name: string; was: number; seal: string } & Link>((slots) =>
      builder
        .updateTable('chains')
        .set({
          base_number: slots.number,
          base_mac: slots.mac,
          base_seal: slots.seal,
          logged: atLeast('logged', slots.number),
        })
        .where('name', '=', slots.name)
        .where('base_number', '=', slots.was),
    ),
    markLogged: prepare<{ name: string; was: number; number: number }>(({ name, was, number }) =>
      builder
        .updateTable('chains')
        .set({ logged: number })
        .where('name', '=', name)
        .where('logged', '=', was),
    ),

    /** A row when an owner of that name was erased. */
    erasedOwner: prepare<{ workspaceId: string; ownerId: string }>(({ workspaceId, ownerId }) =>
      builder
        .selectFrom('owners')
        .select('id')
        .where('workspace_id', '=', workspaceId)
        .where('external_id', '=', ownerId)
        .where('erased_at', 'is not', null),
    ),
    /** A row when a key that is not deleted, or one that is, names the owner. */
    liveKeyOfOwner: prepare<{ workspaceId: string; ownerId: string }>(({ workspaceId, ownerId }) =>
      keysNaming(builder, workspaceId, ownerId).where('deleted_at', 'is', null).limit(1),
    ),
    deletedKeyOfOwner: prepare<{ workspaceId: string; ownerId: string }>(
      ({ workspaceId, ownerId }) =>
        keysNaming(builder, workspaceId, ownerId).where('deleted_at', 'is not', null).limit(1),
    ),
  };
}

/** An event as it stood when its seal was made. */
type Stood = Pick<Evidence, 'before' | 'after' | 'address'> & { position: bigint };
type Sealing = Seal & { chain: string };
interface Place {
  position: bigint;
  workspaceId: string;
  at: number;
}

/** What an event is written with; sealing and erasing come later. */
const NEW_COLUMNS = ['position', ...EVENT_COLUMNS].filter(
  (name): name is Exclude<keyof NewEventRow, 'owner' | 'former_owner' | 'actor_position'> =>
    !['number', 'mac', 'erased_at'].includes(name),
);

function keysNaming(builder: Builder, workspaceId: string, ownerId: string) {
  return builder
    .selectFrom('keys')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('owner_id', '=', ownerId);
}

/** What is not sealed yet, oldest first, and the chains it belongs to. */
export function listUnsealed(
  builder: Builder,
  within: Within,
  most: number,
): Listing<{ events: readonly Evidence[]; chains: readonly Chain[] }> {
  const all = builder.selectFrom('events').where('number', 'is', null);
  const some = (within === null ? all : all.where('workspace_id', '=', within))
    .orderBy('position')
    .limit(most);
  const names = builder
    .selectFrom(some.select(['workspace_id', 'position']).as('some'))
    .select((one) => one.fn.coalesce('workspace_id', one.val('instance')).as('name'));
  const chains = builder.selectFrom('chains').select(CHAIN_COLUMNS).where('name', 'in', names);
  return {
    queries: [some.select(SEALED_COLUMNS).compile(), chains.compile()],
    answer: ([events = [], found = []]) => ({
      events: (events as SealedRow[]).map(evidenceOf),
      chains: (found as ChainRow[]).map(chainOf),
    }),
  };
}

/** A chain whose first event was made before then, with the last of those that follow it unbroken. */
export function listPrunable(
  builder: Builder,
  within: Within,
  createdBefore: number,
  most: number,
): Listing<{ chain: Chain; last: Link } | null> {
  const all = builder
    .selectFrom('chains')
    .innerJoin('events', (join) =>
      join
        .onRef('events.chain', '=', 'chains.name')
        .on((on) => on('events.number', '=', on('chains.base_number', '+', 1))),
    )
    .where('events.created_at', '<', createdBefore)
    .limit(1);
  const chains = within === null ? all : all.where('chains.name', '=', within);
  const chain = chains.select(CHAIN_COLUMNS.map((column) => `chains.${column}` as const));
  const events = builder
    .selectFrom('events')
    .select(['number', 'mac', 'created_at'])
    .where('chain', '=', chains.select('chains.name'))
    .where('number', '>', chains.select('chains.base_number'))
    .orderBy('number')
    .limit(most);
  return {
    queries: [chain.compile(), events.compile()],
    answer([found = [], rows = []]) {
      const [row] = found as ChainRow[];
      if (row === undefined) return null;
      let last: Link | null = null;
      for (const one of rows as { number: number; mac: string; created_at: number }[]) {
        if (one.created_at >= createdBefore) break;
        last = { number: one.number, mac: one.mac };
      }
      return last && { chain: chainOf(row), last };
    },
  };
}

/** A chain with sealed events that no collector was given, and those that come next. */
export function listUnlogged(
  builder: Builder,
  within: Within,
  most: number,
): Listing<{ chain: Chain; events: readonly StoredEvent[] } | null> {
  const all = builder.selectFrom('chains').whereRef('logged', '<', 'number').limit(1);
  const chains = within === null ? all : all.where('name', '=', within);
  const events = builder
    .selectFrom('events')
    .select(EVENT_COLUMNS)
    .where('chain', '=', chains.select('name'))
    .where('number', '>', chains.select('logged'))
    .orderBy('number')
    .limit(most);
  return {
    queries: [chains.select(CHAIN_COLUMNS).compile(), events.compile()],
    answer([found = [], rows = []]) {
      const [chain] = found as ChainRow[];
      if (chain === undefined) return null;
      return { chain: chainOf(chain), events: (rows as EventRow[]).map(eventOf) };
    },
  };
}

/** An owner whose erasure is under way, and some of what still names it. */
export function listErasure(
  builder: Builder,
  within: Within,
  most: number,
): Listing<Erasure | null> {
  const all = builder
    .selectFrom('owners')
    .where('erased_at', 'is not', null)
    .whereRef('external_id', '<>', 'id')
    .orderBy('id')
    .limit(1);
  const owners = within === null ? all : all.where('workspace_id', '=', within);
  const keys = (['is', 'is not'] as const).map((deleted) =>
    selectKeys(builder)
      .where('keys.workspace_id', '=', owners.select('workspace_id'))
      .where('keys.owner_id', '=', owners.select('external_id'))
      .where('keys.deleted_at', deleted, null)
      .limit(most),
  );
  const on = conditionsOn('events');
  const payload = on.or([on('before', 'is not', null), on('after', 'is not', null)]);
  const traces = (['owner_id', 'former_owner_id'] as const).map((column) =>
    builder
      .selectFrom('events')
      .select('id')
      .where(column, '=', owners.select('id'))
      .where(payload)
      .limit(most),
  );
  const addresses = builder
    .selectFrom('events')
    .select('id')
    .where('actor_owner_id', '=', owners.select('id'))
    .where('address', 'is not', null)
    .limit(most);
  return {
    queries: [owners.select(OWNER_COLUMNS), ...keys, ...traces, addresses].map((one) =>
      one.compile(),
    ),
    answer([found = [], live = [], deleted = [], ofNow = [], ofFormer = [], ofActor = []]) {
      const [owner] = found as OwnerRow[];
      if (owner === undefined) return null;
      return {
        owner: ownerOf({ ...owner, balance: null, refill_at: null }),
        keys: ([...live, ...deleted] as UsedKeyRow[]).slice(0, most).map(keyOf),
        events: tracesOf([...ofNow, ...ofFormer] as Named[], ofActor as Named[]).slice(0, most),
      };
    },
  };
}

interface Named {
  readonly id: string;
}

function tracesOf(payloads: readonly Named[], addresses: readonly Named[]): Trace[] {
  const traces = new Map<string, Trace>();
  for (const { id } of payloads) traces.set(id, { id, payload: true, address: false });
  for (const { id } of addresses) {
    traces.set(id, { id, payload: traces.has(id), address: true });
  }
  return [...traces.values()];
}
