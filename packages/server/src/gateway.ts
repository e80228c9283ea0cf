// The answer to a gateway that asks whether it may let a request through: one
// decision for all of them, each told in the statuses that it understands, at once
// where the key is in memory. Whatever is not clearly a good key on a path that a
// rule names is refused.

import {
  type Ask,
  type Environment,
  type Key,
  type LimitFigure,
  parseAddress,
  type Verdict,
} from '@warder/core';
import { pathOf } from './canonical-path.ts';
import type { Carriage } from './carriages.ts';
import { REASONS, type Reason, refusal } from './gateway-refusals.ts';
import { type HeadHandler, type HeadReply, headReader, type OriginalHeaders } from './head.ts';
import { EXPIRES_HEADER, identityOf, nearEnd } from './identity-headers.ts';
import type { Log } from './log.ts';
import { type PathRule, ruleFinder } from './path-rules.ts';
import { LIMIT_HEADER, POLICY_HEADER, policiesOf, standOf } from './rate-limit-headers.ts';
import type { CachingVerifier } from './verifier.ts';

/** How one gateway asks, and what it understands. */
export interface GatewayKind {
  readonly name: string;
  /** Where it tells of the request it holds back; null where it asks with that method and path itself. */
  readonly original: OriginalHeaders | null;
  readonly statuses: Readonly<Record<Reason, number>>;
}

/** What an operator decides about a gateway. */
export interface GatewayPlan {
  readonly kind: GatewayKind;
  /** The environment it serves; null for both. */
  readonly environment: Environment | null;
  /** Id or slug of the workspace it serves; null for all of them. */
  readonly workspace: string | null;
  readonly carriages: readonly Carriage[];
  /** The header, in lower case, whose last word is the client's address. */
  readonly clientAddress: string;
  /** In this order: the first that fits counts. */
  readonly rules: readonly PathRule[];
}

export interface GatewayParts {
  readonly plan: GatewayPlan;
  /** The id of the plan's workspace; null for all of them. */
  readonly workspaceId: string | null;
  /** What the gateway has to send with each request; null for nothing. */
  readonly secret: string | null;
  readonly same: (one: string, other: string) => boolean;
  readonly verifier: CachingVerifier;
  readonly now: () => number;
  /** Counts its answers by their reason. */
  readonly answers: Record<string, number>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

export function createGateway({ plan, verifier, now, log, ...parts }: GatewayParts): HeadHandler {
  const { original, statuses } = plan.kind;
  const { secret, same, workspaceId: within, answers } = parts;
  const { environment } = plan;
  const read = headReader({ ...plan, original });
  const findRule = ruleFinder(
    plan.rules.map((rule) => {
      const { scopes, query } = rule;
      const ask: Ask = { within, environment, kind: 'standard', scopes, query };
      return { ...rule, ask };
    }),
  );

  const count = (reason: string) => {
    answers[reason] = (answers[reason] ?? 0) + 1;
  };
  const refuse = (reason: Reason, verdict?: Verdict): HeadReply => {
    count(reason);
    const key_id = verdict && 'key' in verdict ? verdict.key.id : undefined;
    const entry = { reason, code: verdict?.code, key_id };
    if (MISCONFIGURED.has(reason)) log.warn(entry, 'the gateway does not ask as it should');
    else log.info(entry, 'refused at the gateway');
    const status = statuses[reason];
    if (verdict?.code === 'insufficient_scope') {
      return refusal(reason, status, { missing: verdict.missingScopes });
    }
    if (verdict?.code !== 'rate_limited') return refusal(reason, status);
    const { limits, retryAfterSeconds } = verdict;
    return refusal(reason, status, { retryAfterSeconds, headers: limitHeaders(limits, now()) });
  };
  const answerTo = (verdict: Verdict): HeadReply => {
    if (!verdict.valid) return refuse(REASONS[verdict.code], verdict);
    count('allowed');
    return allowance(verdict.key, verdict.limits, now());
  };
  const failed = (error: unknown): HeadReply => {
    count('unavailable');
    log.error({ err: error }, 'no verdict for the gateway');
    return refusal('unavailable', statuses.unavailable);
  };

  const decide: HeadHandler = (head) => {
    const { method, target, key, address, twice, secret: sent } = read(head);
    if (secret !== null && (sent === null || !same(sent, secret))) {
      return refuse('wrong_gateway_secret');
    }
    if (method === null || target === null || twice) return refuse('not_from_a_gateway');
    if (key === null) return refuse('no_key');
    if (typeof key === 'string') return refuse(key);
    const path = pathOf(target);
    const rule = path === null ? 'path_ambiguous' : findRule(method, path);
    if (typeof rule === 'string') return refuse(rule);
    const ask: Ask = {
      ...rule.ask,
      // Few keys are bound to addresses: only for them is one read.
      get ip() {
        return (address && parseAddress(address)) || undefined;
      },
    };
    const verdict = verifier.verifyCached(key.key, ask);
    if (verdict !== null) return answerTo(verdict);
    return verifier.verify(key.key, ask).then(answerTo).catch(failed);
  };
  return (head) => {
    try {
      return decide(head);
    } catch (error) {
      return failed(error);
    }
  };
}

const MISCONFIGURED: ReadonlySet<Reason> = new Set(['wrong_gateway_secret', 'not_from_a_gateway']);

/** What is said of a key stays the same as long as it is known by the same object. */
const allowances = new WeakMap<Key, HeadReply>();

function allowance(key: Key, limits: readonly LimitFigure[] | undefined, now: number): HeadReply {
  let plain = allowances.get(key);
  if (plain === undefined) {
    const headers = ['Content-Length', '0', 'Cache-Control', 'no-store', ...identityOf(key)];
    plain = { status: 200, headers, body: '' };
    allowances.set(key, plain);
  }
  const end = nearEnd(key, now);
  if (end === null && limits === undefined) return plain;
  const expiry = end === null ? [] : [EXPIRES_HEADER, end];
  const limited = limits === undefined ? [] : limitHeaders(limits, now);
  return { ...plain, headers: [...plain.headers, ...expiry, ...limited] };
}

/** Names and values in turn. */
function limitHeaders(limits: readonly LimitFigure[], now: number): readonly string[] {
  return [POLICY_HEADER, policiesOf(limits), LIMIT_HEADER, standOf(limits, now)];
}
