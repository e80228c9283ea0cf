// The use cases of a key that is presented as a text, and of whoever presented a
// credential: verify, whoami, revoke oneself, report a leak.

import { beginAct, type Caller, chosenWorkspace, requirePermission } from '../caller.ts';
import { parseAddress } from '../cidr.ts';

import { invalid, WarderError } from '../error.ts';
import type { JsonObject } from '../event.ts';
import type { Ask, Verdict } from '../judge.ts';
import { type Key, type KeyChange, reportLeak, revokeKey } from '../key.ts';
import { checkedCost } from '../limit.ts';
import type { Member } from '../member.ts';
import type { Owner } from '../owner.ts';
import type { Change } from '../ports.ts';
import { parseScopeQuery } from '../scope.ts';
import { redactTokens } from '../token.ts';
import type { Work } from '../work.ts';
import type { Workspace } from '../workspace.ts';

export interface VerifyRequest {
  readonly secret: string;
  readonly workspaceId?: string | undefined;
  /** All of these are asked for. */
  readonly scopes?: readonly string[] | undefined;
  readonly query?: string | undefined;
  readonly ip?: string | undefined;
  /** What it takes from each window that bears on the key, and how many credits; 1 unless given. */
  readonly cost?: number | undefined;
  /** False to be told without taking anything. */
  readonly spend?: boolean | undefined;
}

/** What is said of a leaked key: free texts, kept with the event. */
export interface LeakReport {
  readonly secret: string;
  readonly facts: Readonly<Record<string, string | null>>;
  /** Whether a key that is found ends at once. */
  readonly revoke: boolean;
}

/** What any caller may know of itself. */
export interface WhoAmI {
  readonly caller: Caller;
  readonly key: Key | null;
  readonly workspace: Workspace | null;
  /** Whom the key belongs to. */
  readonly owner: Owner | null;
  /** The member that calls, or that the key belongs to. */
  readonly member: Member | null;
}

const MOST_REPORTED = 1_000;
const NOTHING_TAKEN = { limited: false, metered: false } as const;

export function presentedOperations(work: Work) {
  const { caller, reach, host, verifier, write } = work;

  return {
    /** The verdict on a key, as this caller may see it. @throws unavailable where none can be given */
    async verifyKey(request: VerifyRequest): Promise<Verdict> {
      return verifier.verify(request.secret, askOf(caller, request));
    },

    /** The same of several, in their order: what one of them takes, a later one does not find. */
    async verifyKeys(requests: readonly VerifyRequest[]): Promise<readonly Verdict[]> {
      const asked = requests.map((request) => ({ request, ask: askOf(caller, request) }));
      const verdicts: Verdict[] = [];
      for (const { request, ask } of asked) {
        verdicts.push(await verifier.verify(request.secret, ask));
      }
      return verdicts;
    },

    /** The caller about itself: any credential may ask. */
    async whoami(): Promise<WhoAmI> {
      const { home } = caller;
      // Read anew: what a caller was known by may be a moment old in what does not bear on it.
      const key = caller.key === null ? null : await reach.key(caller.key.id);
      const workspace = 'instance' in home ? null : await reach.workspace(home.workspaceId);
      const owned = key !== null && key.workspaceId !== null && key.ownerId !== null;
      const owner = owned ? await reach.owner(key.workspaceId, key.ownerId) : null;
      const isMember = caller.identity.type === 'member';
      const memberId = isMember ? caller.identity.id : owned ? key.ownerId : null;
      const member = memberId === null ? null : await reach.member(memberId);
      return { caller, key, workspace, owner, member };
    },

    /** Ends the very key that calls. @throws forbidden unless it was made to allow that */
    revokeSelf(): Promise<Key> {
      return write(async () => {
        const key = caller.key === null ? null : await reach.key(caller.key.id);
        if (key === null || !key.allowSelfRevoke) {
          throw new WarderError('forbidden', 'This takes a key that may revoke itself.');
        }
        const change = revokeKey(key, 'revoked by its holder', beginAct(caller, host));
        return { changes: changesOf(key, change), result: change?.key ?? key };
      });
    },

    /** Anyone may report a key that they hold; whether there is such a key is never told. */
    async reportLeak({ secret, facts, revoke }: LeakReport): Promise<void> {
      const ask = { within: null, environment: null, counts: false, ...NOTHING_TAKEN } as const;
      const verdict = await verifier.verify(secret, ask);
      if (!('key' in verdict)) return;
      const told = Object.entries(facts).map(([name, text]) => [name, text && readable(text)]);
      await write(async () => {
        const key = await reach.key(verdict.key.id);
        if (key === null) return { changes: [], result: null };
        const act = beginAct(caller, host);
        // What is told of it names the key by its id: its text stands in no event.
        const event = reportLeak(key, Object.fromEntries(told) as JsonObject, act);
        const revoked = revoke ? revokeKey(key, 'reported as leaked', act) : null;
        const changes = [{ type: 'insert_event', event } as const, ...changesOf(key, revoked)];
        return { changes, result: null };
      });
    },
  };
}

/** What a caller asks of a key. @throws forbidden, invalid */
export function askOf(caller: Caller, request: Omit<VerifyRequest, 'secret'>): Ask {
  requirePermission(caller, 'keys:verify');
  return readAsk(caller, request);
}

/** The same for whoever asks of a key without verifying it. @throws forbidden, invalid */
export function readAsk(caller: Caller, request: Omit<VerifyRequest, 'secret'>): Ask {
  const workspaceId = chosenWorkspace(caller, request.workspaceId);
  const query = request.query === undefined ? undefined : parseScopeQuery(request.query);
  if (typeof query === 'string') throw invalid('/query', query);
  const ip = request.ip === undefined ? undefined : parseAddress(request.ip);
  if (ip === null) throw invalid('/ip', 'must be an IPv4 or IPv6 address');
  return {
    within: 'instance' in caller.home ? null : caller.home.workspaceId,
    environment: caller.environment,
    workspaceId,
    kind: 'standard',
    scopes: request.scopes,
    query,
    ip,
    cost: checkedCost(request.cost),
    spend: request.spend,
  };
}

function changesOf(before: Key, change: KeyChange | null): Change[] {
  if (change === null) return [];
  return [
    { type: 'update_key', key: change.key, was: before.version },
    { type: 'insert_event', event: change.event },
  ];
}

// Redacted before it is cut: half a token is not known for one any more.
function readable(text: string): string {
  return redactTokens(text).slice(0, MOST_REPORTED);
}
