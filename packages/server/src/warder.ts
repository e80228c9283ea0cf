// The service put together: store, verifier, sign-in and operations behind the
// native API, with what has to run beside them. It knows no socket and no file:
// listen.ts brings requests, the caller brings the store.

import {
  ALL_KEYS,
  type Installation,
  NO_ORIGIN,
  operations,
  type Storage,
  type Workspace,
} from '@warder/core';
import { createAddressLimit } from './address-limit.ts';
import { signInByKey, signInByKnownKey } from './auth/keys.ts';
import { signInByToken } from './auth/members.ts';
import { signInByShared } from './auth/shared.ts';
import type { Issuer } from './auth/tokens/issuers.ts';
import { createTokenVerifier } from './auth/tokens.ts';
import { instanceGrant, signInBy } from './auth.ts';
import type { Dialect } from './dialect.ts';
import { native } from './dialects/native/dialect.ts';
import type { EventLog } from './event-log.ts';
import { createGateway, type GatewayPlan } from './gateway.ts';
import type { HeadHandler } from './head.ts';
import type { ServerHost } from './host.ts';
import { createAttempts } from './idempotency.ts';
import { createLastingLimits } from './lasting-limits.ts';
import { createLimitMemory } from './limits/memory.ts';
import { type LimitStore, type Limits, windowOfIdentifier } from './limits.ts';
import type { Log } from './log.ts';
import type { Lookup } from './lookup.ts';
import { mount } from './mount.ts';
import { describeApi } from './openapi.ts';
import { referencePage } from './reference.ts';
import { type Handler, serve } from './serve.ts';
import { createSharedCredentials, type SharedCredential } from './shared-credentials.ts';
import { createUpkeep, type Upkeep } from './upkeep.ts';
import { createUsageLog } from './usage.ts';
import { type CachingVerifier, createVerifier } from './verifier.ts';

export interface WarderParts {
  readonly storage: Storage;
  readonly lookup: Lookup;
  readonly host: ServerHost;
  readonly installation: Installation;
  /** Base of absolute links; null for relative ones. */
  readonly publicUrl: string | null;
  /** The path that all of it is mounted below, as relative links begin; none unless given. */
  readonly mountedAt?: string | undefined;
  readonly version: string;
  readonly log: Log;
  /** The products' dialects that are served beside the native API. */
  readonly dialects?: readonly Dialect[] | undefined;
  /** Whether browsers of other origins may call the dialects that know of CORS. */
  readonly dialectCors?: boolean | undefined;
  readonly sharedCredentials?: readonly SharedCredential[] | undefined;
  /** Bound of the memory that known keys take; 64 MiB unless given. */
  readonly cacheBytes?: number | undefined;
  /** Where each event goes once it is sealed. */
  readonly eventLog?: EventLog | undefined;
  /** How long events are kept; for ever unless given. */
  readonly eventsRetentionSeconds?: number | undefined;
  /** How long figures of usage are kept by the hour and by the day; 90 days and 762 unless given. */
  readonly usageHoursRetentionSeconds?: number | undefined;
  readonly usageDaysRetentionSeconds?: number | undefined;
  /** Whose JWTs sign in; nobody's unless given. */
  readonly issuers?: readonly Issuer[] | undefined;
  /** For a worker: where its supervisor counts windows. What is done beside the calls is the supervisor's then too. */
  readonly supervised?: { readonly limits: LimitStore } | undefined;
}

/** How often new events are looked for to be sealed, and old ones to be pruned. */
const SEAL_MILLISECONDS = 400;
const PRUNE_MILLISECONDS = 60_000;
const DAY_SECONDS = 86_400;
const USAGE_HOURS_SECONDS = 90 * DAY_SECONDS;
/** 25 months, whichever they are. */
const USAGE_DAYS_SECONDS = 762 * DAY_SECONDS;
/** How long refusals of a key are kept: they hold addresses. */
const REFUSALS_SECONDS = 30 * DAY_SECONDS;

export interface Warder {
  /** Every dialect below its own base, and the native API. */
  readonly handle: Handler;
  /** One dialect alone, below the path that its product has; null where it is not served. */
  handleOnly(dialect: string): Handler | null;
  /**
   * The answers to a gateway, for a listener of their own.
   * @param secret what the gateway has to send with each request; null for nothing
   * @returns null where there is no such workspace
   */
  gateway(plan: GatewayPlan, secret: string | null): Promise<HeadHandler | null>;
  readonly verifier: CachingVerifier;
  /** Where windows are counted. */
  readonly limits: LimitStore;
  /** The use cases, for callers that sign in elsewhere. */
  readonly operations: ReturnType<typeof operations>;
  /** Writes the uses and windows gathered so far, which otherwise happens each second. */
  flush(): Promise<void>;
  /** From now on `/readyz` answers 503. */
  drain(): void;
  /** Writes what is gathered and closes the store. */
  close(): Promise<void>;
}

export function assembleWarder(parts: WarderParts): Warder {
  const { host, installation, publicUrl, mountedAt = '', version, log } = parts;
  const usage = createUsageLog(parts.storage, (error) =>
    log.error({ err: error }, 'uses not written'),
  );
  const limits = limitsFor(parts);
  const verifying = { storage: parts.storage, lookup: parts.lookup, limits };
  const { verifier, storage } = createVerifier(host, verifying, usage, parts.cacheBytes);
  const { defaultWorkspaceId } = installation;
  const useCases = operations({
    storage,
    host,
    verifier,
    limits: limits.taker,
    defaultWorkspaceId,
  });
  const everywhere = storage.everywhere(instanceGrant());
  const workspaceNamed = async (idOrSlug: string): Promise<Workspace | null> =>
    (await everywhere.workspace(idOrSlug)) ?? (await everywhere.workspaceOfSlug(idOrSlug));
  const workspaceInUse = async (idOrSlug: string): Promise<Workspace | null> => {
    const found = await workspaceNamed(idOrSlug);
    return found === null || found.suspendedAt !== null ? null : found;
  };
  let draining = false;

  const ready = async () => {
    if (draining) return 'This process is shutting down.';
    return await storage.check().then(
      () => null,
      () => 'The store cannot be read.',
    );
  };
  const { dialects = [], dialectCors = false, sharedCredentials = [] } = parts;
  const shared = createSharedCredentials(sharedCredentials, host.same, workspaceInUse);
  const verify = parts.issuers ? createTokenVerifier(parts.issuers, { now: host.now, log }) : null;
  const signIn = signInBy({
    key: signInByKey(verifier, shared, defaultWorkspaceId),
    shared: signInByShared(shared),
    jwt: signInByToken({ verify, storage, host, workspaceInUse }),
  });
  const attempts = createAttempts(host, storage);
  const addressLimit = createAddressLimit(host.now);
  const served = (dialect: Dialect, base: string, url: string | null) => {
    // Made when somebody asks for it: a start waits for nothing that few ask for.
    const root = url ?? mountedAt;
    const at = root === '' ? null : `${root}${base}`;
    const document = once(() => describeApi(dialect, version, at));
    const reference = once(() => referencePage(document()));
    return serve(dialect, {
      base,
      cors: dialectCors,
      operations: useCases,
      signIn,
      fast: { signIn: signInByKnownKey(verifier), verify: verifier.verifyCached },
      attempts,
      limit: addressLimit,
      service: { ready, document, reference },
      publicUrl: url,
      mountedAt,
      now: host.now,
      log,
    });
  };
  const mounted = dialects.map((dialect) => {
    const { base } = dialect;
    return { base, handle: served(dialect, base, publicUrl) };
  });
  const handle = mount(mounted, served(native, '', publicUrl));

  const system = useCases.as({
    identity: { type: 'system', id: 'upkeep' },
    home: { instance: instanceGrant() },
    environment: null,
    permissions: ['*'],
    grants: { scopes: [], environments: [], maxLifeSeconds: null },
    bounds: ALL_KEYS,
    expiresAt: null,
    keysEndBy: null,
    key: null,
    origin: NO_ORIGIN,
  });
  const keep = parts.supervised ? keepNothing : createUpkeep;
  const upkeep = keep(async () => {
    const erased = (await system.eraseRemaining()) + (await system.eraseOwnersFurther());
    const turned = await storage.turnStates(host.now(), 100);
    const tended = await storage.tendLists();
    const pruned = await storage.pruneReplies(host.now(), 100);
    const ended = await storage.pruneWindows(host.now(), 100);
    return tended || erased + turned + pruned + ended > 0;
  }, log);

  const keepers = [
    upkeep,
    keep(async () => (await system.sealEvents()) > 0, log, SEAL_MILLISECONDS),
  ];
  const {
    usageHoursRetentionSeconds: hours = USAGE_HOURS_SECONDS,
    usageDaysRetentionSeconds: days = USAGE_DAYS_SECONDS,
  } = parts;
  const tendUsage = () => {
    const now = host.now();
    const before = (seconds: number) => Math.max(0, now - seconds * 1000);
    const kept = { hours: before(hours), days: before(days), refusals: before(REFUSALS_SECONDS) };
    return storage.tendUsage(now, kept);
  };
  keepers.push(keep(tendUsage, log));
  const { eventLog, eventsRetentionSeconds: kept } = parts;
  if (eventLog !== undefined) {
    const step = async () => (await system.logEvents(eventLog.take)) > 0;
    keepers.push(keep(step, log, SEAL_MILLISECONDS));
  }
  if (kept !== undefined) {
    const step = async () => (await system.pruneEvents(host.now() - kept * 1000)) > 0;
    keepers.push(keep(step, log, PRUNE_MILLISECONDS));
  }

  return {
    handle,
    handleOnly(name) {
      const dialect = dialects.find((one) => one.name === name);
      return dialect === undefined ? null : served(dialect, dialect.originalBase, null);
    },
    async gateway(plan, secret) {
      const workspace = plan.workspace === null ? null : await workspaceNamed(plan.workspace);
      if (workspace === null && plan.workspace !== null) return null;
      const { same, now } = host;
      const workspaceId = workspace?.id ?? null;
      return createGateway({ plan, workspaceId, secret, same, verifier, now, log });
    },
    verifier,
    limits,
    operations: useCases,
    async flush() {
      await Promise.all([usage.flush(), limits.flush()]);
    },
    drain() {
      draining = true;
    },
    async close() {
      draining = true;
      await Promise.all(keepers.map((keeper) => keeper.close()));
      await eventLog?.close();
      await Promise.all([usage.close(), limits.close()]);
      await storage.close();
    },
  };
}

function limitsFor({ supervised, storage, host, log }: WarderParts): Limits {
  const digest = (text: string) => host.mac('identifier', text);
  const { now } = host;
  if (supervised === undefined) {
    const onError = (error: unknown) => log.error({ err: error }, 'limits not read or written');
    return createLastingLimits(createLimitMemory(), { storage, digest, now, onError });
  }
  const { limits } = supervised;
  return {
    ...limits,
    taker: {
      take: (window, use) => limits.take([windowOfIdentifier(window, digest)], use, now()),
    },
    flush: async () => {},
    close: async () => {},
  };
}

/** An upkeep that somebody else does. */
function keepNothing(): Upkeep {
  return { close: async () => {} };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
