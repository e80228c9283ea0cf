// The service put together: store, verifier, sign-in and operations behind the
// native API, with what has to run beside them. It knows no socket and no file:
// listen.ts brings requests, the caller brings the store.

import {
  ALL_KEYS,
  type Installation,
  NO_ORIGIN,
  operations,
  type Storage,
  WarderError,
  type Workspace,
} from '@warder/core';
import { createAddressLimit } from './address-limit.ts';
import { signInByKey, signInByKnownKey } from './auth/keys.ts';
import { signInByToken } from './auth/members.ts';
import { signInByShared } from './auth/shared.ts';
import type { Issuer } from './auth/tokens/issuers.ts';
import { createTokenVerifier } from './auth/tokens.ts';
import { instanceGrant, signInBy } from './auth.ts';
import { CALLS_PER_SECOND, createCallBudget } from './call-budget.ts';
import type { Dialect } from './dialect.ts';
import { native } from './dialects/native/dialect.ts';
import { ops } from './dialects/native/ops.ts';
import type { EventLog } from './event-log.ts';
import { createGateway, type GatewayPlan } from './gateway.ts';
import type { HeadHandler } from './head.ts';
import type { ServerHost } from './host.ts';
import { createAttempts } from './idempotency.ts';
import { STALE_LIMIT_MILLISECONDS } from './known-keys.ts';
import { createLastingLimits } from './lasting-limits.ts';
import { createLimitMemory } from './limits/memory.ts';
import type { LimitStore } from './limits.ts';
import type { Log } from './log.ts';
import type { Lookup } from './lookup.ts';
import { createTimer } from './metrics.ts';
import { mount } from './mount.ts';
import { describeApi } from './openapi.ts';
import { type ProcessFigures, prometheusOf, type ToldMetric } from './prometheus.ts';
import { createReadiness } from './readiness.ts';
import { referencePage } from './reference.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { DEFAULT_RETENTION, REFUSALS_SECONDS } from './retention.ts';
import { type Handler, serve } from './serve.ts';
import { serviceMetrics } from './service-metrics.ts';
import { createSharedCredentials, type SharedCredential } from './shared-credentials.ts';
import { createSharedLimits, type SharedLimitSetting } from './shared-limits.ts';
import { timedStorage } from './timed-storage.ts';
import type { Telemetry } from './tracing.ts';
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
  /** For how long memory answers where neither changes are heard nor the store can be read; 5,000 unless given. */
  readonly staleLimitMilliseconds?: number | undefined;
  /** Bound of the memory that known keys take; 64 MiB unless given. */
  readonly cacheBytes?: number | undefined;
  /** Where each event goes once it is sealed. */
  readonly eventLog?: EventLog | undefined;
  /** How long events are kept; for ever unless given. */
  readonly eventsRetentionSeconds?: number | undefined;
  /** How long figures of usage are kept by the hour and by the day; 90 days and 762 unless given. */
  readonly usageHoursRetentionSeconds?: number | undefined;
  readonly usageDaysRetentionSeconds?: number | undefined;
  /** Counts windows that several processes share; each counts for itself, and keeps them in the store, unless given. */
  readonly limits?: SharedLimitSetting | undefined;
  /** Whose JWTs sign in; nobody's unless given. */
  readonly issuers?: readonly Issuer[] | undefined;
  /** Where traces and figures are sent; nowhere unless given. Whoever gave it closes it. */
  readonly telemetry?: Telemetry | undefined;
  /** How often a second one caller may call for what is no verdict; 1,000 unless given. */
  readonly callsPerSecond?: number | undefined;
  /** The figures of all processes that share its listeners, this one among them. */
  readonly everyone?: (() => Promise<readonly ProcessFigures[]>) | undefined;
  /** Whether the figures are told by `handleOps` alone, and not to those who sign in. */
  readonly metricsApart?: boolean | undefined;
  /** Whether it does what has to be done beside the calls; true unless given. */
  readonly keeps?: boolean | undefined;
}

/** How often new events are looked for to be sealed, and old ones to be pruned. */
const SEAL_MILLISECONDS = 400;
const PRUNE_MILLISECONDS = 60_000;

export interface Warder {
  /** Every dialect below its own base, and the native API. */
  readonly handle: Handler;
  /** One dialect alone, below the path that its product has; null where it is not served. */
  handleOnly(dialect: string): Handler | null;
  /** The figures of this process, as data. */
  figures(): Promise<readonly ToldMetric[]>;
  /** Whether it is alive and ready, and its figures: without a credential, for an address of its own. */
  readonly handleOps: Handler;
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
  const tracing = parts.telemetry?.tracing;
  const storeTimer = createTimer(
    'warder_store',
    'a call of the store',
    'operation',
    tracing?.stored,
  );
  const upkeepTimer = createTimer('warder_upkeep', 'a step of upkeep', 'task');
  const timedStore = timedStorage(parts.storage, storeTimer);
  const usage = createUsageLog(timedStore, (error) =>
    log.error({ err: error }, 'uses not written'),
  );
  const limitMemory = createLimitMemory();
  const counting = {
    digest: (text: string) => host.mac('identifier', text),
    now: host.now,
  };
  const limits = parts.limits
    ? createSharedLimits({
        ...counting,
        ...parts.limits,
        storage: timedStore,
        memory: limitMemory,
        log,
      })
    : createLastingLimits(limitMemory, {
        ...counting,
        storage: timedStore,
        onError: (error) => log.error({ err: error }, 'limits not read or written'),
      });
  const lookup: Lookup = {
    ...parts.lookup,
    find: (digests) => storeTimer.follow('find', performance.now(), parts.lookup.find(digests)),
  };
  // Nothing stands between the verifier and the store but where a verification writes.
  const bare = { ...parts.storage, spend: timedStore.spend };
  const { staleLimitMilliseconds = STALE_LIMIT_MILLISECONDS } = parts;
  const verifying = { storage: bare, lookup, limits, staleLimitMilliseconds };
  const made = createVerifier(host, verifying, usage, parts.cacheBytes);
  const { verifier } = made;
  const storage = timedStorage(made.storage, storeTimer);
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

  const { ready, promised } = createReadiness({
    storage,
    watch: made.watch,
    staleLimitMilliseconds,
    isDraining: () => draining,
    now: host.now,
  });
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
  const budget = createCallBudget(parts.callsPerSecond ?? CALLS_PER_SECOND, host.now);
  const requests = createRequestMetrics();
  const gatewayAnswers: Record<string, number> = {};
  const figures = serviceMetrics({
    gatewayAnswers,
    version,
    verifier: verifier.figures,
    promised,
    usage: usage.figures,
    windows: () => limitMemory.size,
    limitsAway: limits.away,
    feedAge: () => made.watch.age(),
    oldestUnsealed: async () => (await everywhere.unsealed(1)).events[0]?.createdAt ?? null,
    now: host.now,
  });
  parts.telemetry?.observe(figures);
  const timed = [...storeTimer.metrics, ...upkeepTimer.metrics];
  const prometheus = prometheusOf([requests.durations, ...figures, ...timed], parts.everyone);
  const metricsElsewhere = async () => {
    throw new WarderError('not_found', 'Metrics are served on the address for operations.');
  };
  const metrics = parts.metricsApart ? metricsElsewhere : prometheus.page;
  const served = (
    dialect: Dialect,
    base: string,
    url: string | null,
    service = { ready, metrics },
  ) => {
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
      obeyed: () => storage.obeyed(),
      fast: { signIn: signInByKnownKey(verifier), verify: verifier.verifyCached },
      attempts,
      limit: addressLimit,
      budget,
      requests,
      tracing,
      service: { ...service, document, reference },
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
  const keep = (task: string, step: () => Promise<boolean>, pauseMilliseconds?: number) => {
    if (parts.keeps === false) return KEPT_ELSEWHERE;
    const timed = () => upkeepTimer.follow(task, performance.now(), step());
    return createUpkeep(timed, log, pauseMilliseconds);
  };
  const upkeep = keep('life', async () => {
    const erased = (await system.eraseRemaining()) + (await system.eraseOwnersFurther());
    const turned = await storage.turnStates(host.now(), 100);
    const tended = await storage.tendLists();
    const pruned = await storage.pruneReplies(host.now(), 100);
    const ended = await storage.pruneWindows(host.now(), 100);
    return tended || erased + turned + pruned + ended > 0;
  });

  const keepers = [
    upkeep,
    keep('seal', async () => (await system.sealEvents()) > 0, SEAL_MILLISECONDS),
  ];
  const {
    usageHoursRetentionSeconds: hours = DEFAULT_RETENTION.usageHoursSeconds,
    usageDaysRetentionSeconds: days = DEFAULT_RETENTION.usageDaysSeconds,
  } = parts;
  const tendUsage = () => {
    const now = host.now();
    const before = (seconds: number) => Math.max(0, now - seconds * 1000);
    const kept = { hours: before(hours), days: before(days), refusals: before(REFUSALS_SECONDS) };
    return storage.tendUsage(now, kept);
  };
  keepers.push(keep('usage', tendUsage));
  const { eventLog, eventsRetentionSeconds: kept } = parts;
  if (eventLog !== undefined) {
    const step = async () => (await system.logEvents(eventLog.take)) > 0;
    keepers.push(keep('log_events', step, SEAL_MILLISECONDS));
  }
  if (kept !== undefined) {
    const step = async () => (await system.pruneEvents(host.now() - kept * 1000)) > 0;
    keepers.push(keep('prune_events', step, PRUNE_MILLISECONDS));
  }

  return {
    handle,
    handleOnly(name) {
      const dialect = dialects.find((one) => one.name === name);
      return dialect === undefined ? null : served(dialect, dialect.originalBase, null);
    },
    figures: prometheus.told,
    handleOps: served(ops, '', null, { ready, metrics: prometheus.page }),
    async gateway(plan, secret) {
      const workspace = plan.workspace === null ? null : await workspaceNamed(plan.workspace);
      if (workspace === null && plan.workspace !== null) return null;
      const { same, now } = host;
      const workspaceId = workspace?.id ?? null;
      return createGateway({
        ...{ plan, workspaceId, secret, same, verifier, now, log },
        answers: gatewayAnswers,
      });
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

const KEPT_ELSEWHERE: Upkeep = { close: async () => {} };

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
