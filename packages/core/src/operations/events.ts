// The use cases of the audit log: reading it, exporting it, and what the service
// itself does with it: sealing, pruning, handing it to a collector.

import { beginAct, chosenWorkspace, requireInstance, requirePermission } from '../caller.ts';
import { type Event, eventOf, type JsonObject, moment, type StoredEvent } from '../event.ts';
import type { EventFilter } from '../filter.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Change } from '../ports.ts';
import { baseSeal, chainOf, START, sealBehind } from '../seal.ts';
import { positionOf } from '../uuid.ts';
import type { Work } from '../work.ts';

/** Which events are asked for. */
export interface EventQuery extends Omit<EventFilter, 'ownerId'> {
  /** The caller's own id of an owner; of the workspace `default` where an instance key names none. */
  readonly ownerId?: string | undefined;
}

/** As many as one commit may hold the thread for. */
const EVENTS_A_COMMIT = 50;
const EVENTS_A_LOG = 100;
const EVENTS_A_READ = 100;

export function eventOperations({ caller, reach, host, write, defaultWorkspaceId }: Work) {
  /** The filter a query stands for; null where nothing can match. */
  const filterOf = async ({ ownerId, ...rest }: EventQuery): Promise<EventFilter | null> => {
    const workspaceId = chosenWorkspace(caller, rest.workspaceId);
    if (ownerId === undefined) return { ...rest, workspaceId };
    const home = workspaceId ?? defaultWorkspaceId;
    const owner = await reach.owner(home, ownerId);
    return owner && { ...rest, workspaceId: home, ownerId: owner.id };
  };

  return {
    /** Newest first; an instance key that names no workspace sees all events, the instance's own among them. */
    async listEvents(request: PageRequest & EventQuery): Promise<Page<StoredEvent>> {
      requirePermission(caller, 'events:read');
      const { limit: _, after: __, before: ___, offset: ____, total: _____, ...query } = request;
      const filter = await filterOf(query);
      return readPage(request, host, {
        binding: JSON.stringify(['events', filter]),
        read: async (slice) => (filter === null ? NOTHING : reach.events(filter, slice)),
      });
    },

    /** All that match, oldest first, read as they are taken. Leaves an event of its own. */
    async exportEvents(query: EventQuery): Promise<AsyncIterable<StoredEvent>> {
      requirePermission(caller, 'events:read');
      const filter = await filterOf(query);
      await write(async () => {
        const event = exported(filter, chosenWorkspace(caller, query.workspaceId) ?? null);
        return { changes: [{ type: 'insert_event', event }], result: null };
      });
      return filter === null ? none() : oldestFirst(filter);
    },

    /** One step of sealing: answers how many events it sealed; 0 also where another process was first. */
    async sealEvents(): Promise<number> {
      requirePermission(caller, 'events:read');
      requireInstance(caller);
      const { events, chains } = await reach.unsealed(EVENTS_A_COMMIT);
      const heads = new Map(chains.map(({ name, head }) => [name, head]));
      const seals = events.map((event): Change => {
        const chain = chainOf(event.workspaceId);
        const seal = sealBehind(heads.get(chain) ?? START, event, host);
        heads.set(chain, { number: seal.number, mac: seal.mac });
        return { type: 'seal_event', event, seal };
      });
      const moves = Array.from(heads, ([chain, head]): Change => {
        const was = chains.find(({ name }) => name === chain)?.head ?? START;
        return { type: 'move_head', chain, was, head };
      });
      if (seals.length === 0) return 0;
      const outcome = await reach.commit([...moves, ...seals]);
      return outcome === 'done' ? events.length : 0;
    },

    /** One step of removing what was made before then, each chain from its beginning: answers how many events it removed. */
    pruneEvents(createdBefore: number): Promise<number> {
      return write(async () => {
        requirePermission(caller, 'workspaces:write');
        requireInstance(caller);
        const found = await reach.prunable(createdBefore, EVENTS_A_COMMIT);
        if (found === null) return { changes: [], result: 0 };
        const { chain, last } = found;
        const base = { ...last, seal: baseSeal(chain.name, last, host) };
        const change = { type: 'prune_events', chain, base } as const;
        return { changes: [change], result: last.number - (chain.base?.number ?? 0) };
      });
    },

    /**
     * Hands the next events to a collector, each chain in the order of its numbers, and notes it
     * once they were taken: after a crash in between they are handed over again.
     * @param take answers whether it took them
     */
    async logEvents(take: (events: readonly StoredEvent[]) => Promise<boolean>): Promise<number> {
      requirePermission(caller, 'events:read');
      requireInstance(caller);
      const found = await reach.unlogged(EVENTS_A_LOG);
      const last = found?.events.at(-1);
      if (!found || !last || last.number === null) return 0;
      if (!(await take(found.events))) return 0;
      // Where another process has noted as much meanwhile, there is nothing left to note.
      await reach.commit([{ type: 'mark_logged', chain: found.chain, number: last.number }]);
      return found.events.length;
    },
  };

  function exported(filter: EventFilter | null, workspaceId: string | null): Event {
    const subject =
      workspaceId === null
        ? ({ type: 'installation', id: 'installation', workspaceId } as const)
        : ({ type: 'workspace', id: workspaceId, workspaceId } as const);
    const act = beginAct(caller, host);
    return eventOf(act, 'events.exported', subject, null, filter && describeFilter(filter));
  }

  async function* oldestFirst(filter: EventFilter): AsyncGenerator<StoredEvent> {
    let position = -1n;
    for (let more = true; more; ) {
      const from = { side: 'before', place: { value: null, position } } as const;
      const slice = await reach.events(filter, { limit: EVENTS_A_READ, from, total: 'none' });
      yield* slice.items.toReversed();
      const [newest] = slice.items;
      if (slice.reached) position = slice.reached.position;
      else if (newest) position = positionOf(newest.id);
      more = slice.more;
    }
  }
}

const NOTHING = { items: [], more: false, total: { count: 0, exact: true } };

async function* none(): AsyncGenerator<never> {}

/** The owner by its own id: the caller's id of it may be personal. */
function describeFilter(filter: EventFilter): JsonObject {
  const { keyId, ownerId, actorId, types, created = {} } = filter;
  const { after, before } = created;
  return {
    ...(keyId === undefined ? {} : { key_id: keyId }),
    ...(ownerId === undefined ? {} : { owner_id: ownerId }),
    ...(actorId === undefined ? {} : { actor_id: actorId }),
    ...(types === undefined ? {} : { type: types }),
    ...(after === undefined ? {} : { created_after: moment(after) }),
    ...(before === undefined ? {} : { created_before: moment(before) }),
  };
}
