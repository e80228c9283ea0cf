// The use cases of owners: look up, write, list, suspend and resume.

import {
  actsIn,
  beginAct,
  chosenWorkspace,
  requireInstance,
  requirePermission,
} from '../caller.ts';
import { type Crediting, type Credits, creditingWrite, creditsEdit } from '../credit.ts';
import { notFound, WarderError } from '../error.ts';
import type { Act } from '../event.ts';
import type { OwnerFilter } from '../filter.ts';
import { eraseKey } from '../key.ts';
import { checkedSearch } from '../order.ts';
import {
  createOwner,
  creditOwner,
  editOwner,
  eraseOwner,
  forgetOwner,
  type Owner,
  type OwnerChange,
  type OwnerPatch,
  replaceOwner,
  resumeOwner,
  suspendOwner,
} from '../owner.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Change } from '../ports.ts';
import { checkVersion, type IfVersion, type Work } from '../work.ts';

/** An owner's address: the operator's own id of it, and its workspace where an instance key calls. */
export interface OwnerAddress {
  readonly ownerId: string;
  readonly workspaceId?: string | undefined;
}

export function ownerOperations({ caller, reach, host, write, defaultWorkspaceId }: Work) {
  const workspaceOf = (address: { workspaceId?: string | undefined }) =>
    chosenWorkspace(caller, address.workspaceId) ?? defaultWorkspaceId;

  const readOwner = async (address: OwnerAddress): Promise<Owner> => {
    const owner = await reach.owner(workspaceOf(address), address.ownerId);
    if (owner === null) throw notFound('owner');
    return owner;
  };

  /** Null where there is none in a workspace that is there. */
  const ownerAt = async (address: OwnerAddress): Promise<Owner | null> => {
    const workspaceId = workspaceOf(address);
    const workspace = await reach.workspace(workspaceId);
    if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
    return reach.owner(workspaceId, address.ownerId);
  };

  const newOwner = (address: OwnerAddress, facts: OwnerPatch) => {
    const workspaceId = workspaceOf(address);
    const act = beginAct(caller, host);
    const { owner, event } = createOwner(workspaceId, address.ownerId, facts, act);
    const changes: Change[] = [
      { type: 'insert_owner', owner },
      { type: 'insert_event', event },
      ...writeCredits(null, owner, facts, act.at),
    ];
    return { changes, result: { owner, created: true } };
  };

  const changeOwner = (
    address: OwnerAddress,
    match: IfVersion,
    decide: (owner: Owner, act: Act) => OwnerChange | null,
  ): Promise<Owner> =>
    write(async () => {
      requirePermission(caller, 'owners:write');
      const before = await readOwner(address);
      checkVersion(before, match);
      return decided(before, decide(before, beginAct(caller, host)));
    });

  const hasManagementKeys = async ({ workspaceId, externalId }: Owner): Promise<boolean> => {
    const filter = {
      workspaceId,
      ownerId: externalId,
      kind: 'management',
      now: host.now(),
    } as const;
    const slice = { limit: 1, from: null, total: 'none' } as const;
    return (await reach.keys({ ...filter, includeDeleted: true }, slice)).items.length > 0;
  };

  return {
    async getOwner(address: OwnerAddress): Promise<Owner> {
      requirePermission(caller, 'owners:read');
      return readOwner(address);
    },

    /** @param id its own id, not the caller's id of it */
    async getOwnerById(id: string): Promise<Owner> {
      requirePermission(caller, 'owners:read');
      const owner = await reach.ownerOfId(id);
      if (owner === null || !actsIn(caller, owner.workspaceId)) throw notFound('owner');
      return owner;
    },

    /** @throws invalid for a search under three characters */
    async listOwners(request: PageRequest & OwnerFilter): Promise<Page<Owner>> {
      requirePermission(caller, 'owners:read');
      const { created, type, ascending = false } = request;
      const workspaceId = chosenWorkspace(caller, request.workspaceId);
      const search = checkedSearch(request.search);
      const filter = { workspaceId, created, type, ascending, search };
      return readPage(request, host, {
        binding: JSON.stringify(['owners', filter]),
        descending: !ascending,
        read: (slice) => reach.owners(filter, slice),
      });
    },

    /** Makes the owner, or replaces all that can be written of it. */
    putOwner(
      address: OwnerAddress,
      facts: OwnerPatch,
      match: IfVersion = {},
    ): Promise<{ owner: Owner; created: boolean }> {
      return write<{ owner: Owner; created: boolean }>(async () => {
        requirePermission(caller, 'owners:write');
        const before = await ownerAt(address);
        checkVersion(before, match);
        if (before === null) return newOwner(address, facts);
        const act = beginAct(caller, host);
        const { changes, result } = decided(before, replaceOwner(before, facts, act));
        const credits = writeCredits(null, result, facts, act.at);
        return { changes: [...changes, ...credits], result: { owner: result, created: false } };
      });
    },

    /** Makes the owner with those facts, or leaves it as it is. @throws conflict for an erased one */
    ensureOwner(
      address: OwnerAddress,
      facts: OwnerPatch,
    ): Promise<{ owner: Owner; created: boolean }> {
      return write<{ owner: Owner; created: boolean }>(async () => {
        requirePermission(caller, 'owners:write');
        requirePermission(caller, 'owners:read');
        const before = await ownerAt(address);
        if (before === null) return newOwner(address, facts);
        if (before.erasedAt !== null) throw new WarderError('conflict', 'This owner was erased.');
        return { changes: [], result: { owner: before, created: false } };
      });
    },

    patchOwner: (address: OwnerAddress, patch: OwnerPatch, match: IfVersion = {}) =>
      write(async () => {
        requirePermission(caller, 'owners:write');
        const before = await readOwner(address);
        checkVersion(before, match);
        const act = beginAct(caller, host);
        const { changes, result } = decided(before, editOwner(before, patch, act));
        const credits = writeCredits(before.credits, result, patch, act.at);
        return { changes: [...changes, ...credits], result };
      }),

    /**
     * Adds to the balance that the keys of an owner share, or sets it: what is spent at the same time
     * counts before or after.
     * @throws conflict for an owner without credits
     */
    creditOwner: (address: OwnerAddress, crediting: Crediting, match: IfVersion = {}) =>
      write(async () => {
        requirePermission(caller, 'owners:write');
        const before = await readOwner(address);
        checkVersion(before, match);
        const act = beginAct(caller, host);
        const { owner, event } = creditOwner(before, crediting, act);
        const write = creditingWrite(before, crediting, act.at);
        const changes: Change[] = [
          { type: 'write_credits', write },
          { type: 'insert_event', event },
        ];
        return { changes, result: owner };
      }),

    /** All keys of the owner answer `suspended` from now on. */
    suspendOwner: (address: OwnerAddress, match: IfVersion = {}) =>
      changeOwner(address, match, suspendOwner),

    resumeOwner: (address: OwnerAddress, match: IfVersion = {}) =>
      changeOwner(address, match, resumeOwner),

    /**
     * Removes what is known of an owner: its facts at once, then, in steps, its keys and what its
     * events hold of it, and at last the caller's id of it.
     * @throws conflict where keys name it and `keys` is not set
     */
    eraseOwner(
      address: OwnerAddress,
      { keys = false, ...match }: IfVersion & { keys?: boolean | undefined } = {},
    ): Promise<Owner> {
      return write(async () => {
        requirePermission(caller, 'owners:write');
        if (keys) requirePermission(caller, 'keys:write');
        const before = await readOwner(address);
        checkVersion(before, match);
        if (keys && (await hasManagementKeys(before))) {
          requirePermission(caller, 'management_keys:write');
        }
        const { changes, result } = decided(before, eraseOwner(before, beginAct(caller, host)));
        const { workspaceId, externalId: ownerId } = before;
        const guarded = changes.length > 0 && !keys;
        const guard = { type: 'no_keys_of_owner', workspaceId, ownerId } as const;
        return { changes: guarded ? [...changes, guard] : changes, result };
      });
    },

    /** One step of the erasures under way: answers how much it did, 0 when none is left. */
    eraseOwnersFurther(): Promise<number> {
      return write(async () => {
        requirePermission(caller, 'owners:write');
        requireInstance(caller);
        const found = await reach.erasure(TRACES_A_STEP);
        if (found === null) return { changes: [], result: 0 };
        const act = beginAct(caller, host);
        const { owner, keys, events } = found;
        const { workspaceId } = owner;
        const erased = keys.flatMap((before): Change[] => {
          const { key, event } = eraseKey(before, act);
          return [
            { type: 'update_key', key, was: before.version },
            { type: 'insert_event', event },
          ];
        });
        const emptied = events.map(
          (trace): Change => ({ type: 'erase_event', workspaceId, at: act.at, ...trace }),
        );
        const changes = [...erased, ...emptied];
        if (changes.length > 0) return { changes, result: keys.length + events.length };
        const last = { owner: forgetOwner(owner, act), was: owner.version };
        return { changes: [{ type: 'update_owner', ...last }], result: 1 };
      });
    },
  };
}

const TRACES_A_STEP = 50;

function writeCredits(
  before: Credits | null,
  after: Owner,
  { credits }: OwnerPatch,
  at: number,
): Change[] {
  const write = creditsEdit(before, after, credits, at);
  return write === null ? [] : [{ type: 'write_credits', write }];
}

function decided(before: Owner, change: OwnerChange | null) {
  if (change === null) return { changes: [], result: before };
  const changes: Change[] = [
    { type: 'update_owner', owner: change.owner, was: before.version },
    { type: 'insert_event', event: change.event },
  ];
  return { changes, result: change.owner };
}
