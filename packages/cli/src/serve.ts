// `warder serve`: the service put together from the settings, run until a signal
// ends it. People read standard output; the log is JSON lines on standard error.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Network, parseNetwork, statusOf } from '@warder/core';
import {
  assembleWarder,
  createEventLog,
  createLog,
  createSupervision,
  type EventLog,
  type Listener,
  type ListenOptions,
  type Log,
  NO_WRITING,
  openTelemetry,
  type Procedures,
  type ServerHost,
  type Supervised,
  type Telemetry,
  type Warder,
  type WarderParts,
  type Writing,
  writeHere,
} from '@warder/server';
import { announce } from './announcement.ts';
import { type Flags, readSetting } from './config.ts';
import { usage } from './failure.ts';
import { keepHeapSmall } from './heap.ts';
import { databaseIn } from './local/database.ts';
import { dialectListenersIn, dialectsIn, sharedCredentialsIn } from './local/dialects.ts';
import { firstKeyIn, readFirstKey } from './local/first-key.ts';
import { type GatewayInUse, gatewayIn } from './local/gateway.ts';
import {
  type Opened,
  openExisting,
  openOrMake,
  refused,
  startFailure,
} from './local/installation.ts';
import { readIssuers } from './local/issuers.ts';

import { redisIn, sharedLimitsIn } from './local/limits.ts';

import {
  isLoopback,
  openGatewayListener,
  openListeners,
  openOpsListener,
} from './local/listeners.ts';
import { withSecondFeed } from './local/second-feed.ts';
import type { Service } from './local/service.ts';
import type { SupervisorParts } from './local/supervisor.ts';
import { WorkerRefused } from './local/worker-pool.ts';
import type { Output } from './output.ts';
import { VERSION } from './version.ts';

/** The listeners give up on requests in flight after 8 s, so that all is done within ten. */
const STOP_MILLISECONDS = 9_500;
/** For what is printed last, once all is done. */
const LEAVE_MILLISECONDS = 100;

/** Runs the service; resolves once a signal has ended it, with `process.exitCode` set. */
export async function serve(flags: Flags, output: Output): Promise<void> {
  try {
    process.exitCode = await run(flags, output);
  } catch (error) {
    if (!(error instanceof WorkerRefused)) throw error;
    // It has said why.
    process.exitCode = error.exitCode;
  }
}

async function run(flags: Flags, output: Output): Promise<number> {
  const settings = await readService(flags);
  const { log, gateway } = settings;
  const count = workersIn(flags);
  const data = readSetting('data', flags);
  const keyFile = readSetting('bootstrapKeyFile', flags) ?? join(data, 'first-key');
  endOnCrash(log);
  keepHeapSmall();

  let made = false;
  const firstToken = (host: ServerHost) => {
    made = true;
    return firstKeyIn(keyFile, host);
  };
  const supervision = count > 1 ? createSupervision(writingIn(flags)) : null;
  const opened = await openOrMake(flags, firstToken, log, supervision?.writing);
  const eventLog = eventLogOf(flags, log);
  const service = await (supervision === null
    ? openService(flags, settings, opened, { eventLog })
    : supervise({
        count,
        spawning: { flags, json: output.json },
        supervision,
        warder: assembleWarder({ ...opened, ...keepingIn(flags), log, eventLog }),
        gateway: gateway?.at ?? null,
        log,
      }));
  const ended = untilSignal(log, async () => {
    await service.drain();
    await service.close();
  });

  const { listening } = service;
  const addresses = [settings.address, ...settings.dialectAddresses];
  if (gateway && 'host' in gateway.at) addresses.push(gateway.at);
  const about = {
    url: listening.url,
    baseUrl: settings.publicUrl ?? reachable(listening.url, settings.address.host),
    dialects: listening.dialects,
    gateway:
      gateway && listening.gatewayUrl !== null
        ? { kind: gateway.plan.kind.name, url: listening.gatewayUrl }
        : null,
    ops: listening.opsUrl,
    workers: count,
    data,
    keyFile,
    firstKey: await usableKey(keyFile, opened),
    made,
    standardOutputTaken: readSetting('eventsLog', flags) === '-',
    open: settings.tls === undefined && !addresses.every(isLoopback),
  };
  announce(output, about);
  return await Promise.race([ended, service.failed]).catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
}

/** A file has one writer; in PostgreSQL each process writes by itself. */
function writingIn(flags: Flags): Writing {
  if (readSetting('database', flags) !== undefined) return NO_WRITING;
  return writeHere(databaseIn(readSetting('data', flags)));
}

/** Loaded only where it is wanted. */
async function supervise(parts: SupervisorParts): Promise<Service> {
  const { openSupervisor } = await import('./local/supervisor.ts');
  return await openSupervisor(parts);
}

/** The service as a worker runs it, for the supervisor that it belongs to. */
export async function openWorkerService(
  flags: Flags,
  { writing, limits }: Pick<Supervised<Procedures>, 'writing' | 'limits'>,
  everyone: NonNullable<WarderParts['everyone']>,
): Promise<RetiringService> {
  const settings = await readService(flags);
  endOnCrash(settings.log);
  keepHeapSmall();
  const opened = await openExisting(flags, 'refuse', writing, settings.log);
  return await openService(flags, settings, opened, { keeps: false, limits, everyone });
}

/** All that a service is set to, read before anything is made. */
async function readService(flags: Flags) {
  return {
    address: readSetting('listen', flags),
    opsAddress: readSetting('opsListen', flags),
    trustedProxies: networks(readSetting('trustedProxies', flags) ?? []),
    publicUrl: readSetting('publicUrl', flags) ?? null,
    log: createLog(readSetting('logLevel', flags)),
    tls: readTls(flags),
    dialects: dialectsIn(flags),
    dialectAddresses: dialectListenersIn(flags),
    sharedCredentials: sharedCredentialsIn(flags),
    issuers: await readIssuers(flags),
    gateway: gatewayIn(flags),
    redis: redisIn(flags),
  };
}

/** What is kept, and for how long. */
function keepingIn(flags: Flags) {
  return {
    publicUrl: readSetting('publicUrl', flags) ?? null,
    version: VERSION,
    eventsRetentionSeconds: readSetting('eventsRetention', flags),
    usageHoursRetentionSeconds: readSetting('usageHoursRetention', flags),
    usageDaysRetentionSeconds: readSetting('usageDaysRetention', flags),
  };
}

/** A service that can also end without refusing anything: another process listens in its place. */
export interface RetiringService extends Service {
  retire(): Promise<void>;
  /** The figures of this process. */
  figures: Warder['figures'];
}

async function openService(
  flags: Flags,
  settings: Awaited<ReturnType<typeof readService>>,
  opened: Opened,
  more: Pick<WarderParts, 'eventLog' | 'keeps' | 'limits' | 'everyone'>,
): Promise<RetiringService> {
  const { redis, log, tls, trustedProxies, dialects, dialectAddresses, gateway } = settings;
  const { sharedCredentials, issuers, opsAddress } = settings;
  const limits = (await sharedLimitsIn(flags, redis)) ?? more.limits;
  const shared = await withSecondFeed(flags, redis, opened);
  const telemetry = await telemetryOf(flags, log);
  const warder = assembleWarder({
    ...shared,
    ...keepingIn(flags),
    ...more,
    limits,
    log,
    dialects,
    dialectCors: readSetting('dialectCors', flags),
    sharedCredentials,
    cacheBytes: readSetting('cacheBytes', flags),
    staleLimitMilliseconds: readSetting('staleLimit', flags),
    issuers,
    telemetry,
    callsPerSecond: readSetting('callsPerSecond', flags),
    metricsApart: opsAddress !== undefined,
  });
  const common = { tls, trustedProxies, newRequestId: () => randomUUID() };
  const closing = async (error: unknown) => {
    await warder.close();
    throw error;
  };
  const supervised = more.keeps === false;
  const opsListener =
    opsAddress && (await openOpsListener(warder.handleOps, opsAddress, common).catch(closing));
  const gatewayListener =
    gateway &&
    (await openGateway(warder, gateway, tls, supervised).catch(async (error: unknown) => {
      await opsListener?.close();
      return await closing(error);
    }));
  const listeners = await openListeners(warder, settings.address, dialectAddresses, common).catch(
    async (error: unknown) => {
      await Promise.all([gatewayListener?.close(), opsListener?.close()]);
      return await closing(error);
    },
  );
  return {
    listening: {
      url: listeners.url,
      dialects: listeners.ofDialects.map(({ name, url }) => {
        const base = dialects.find((dialect) => dialect.name === name)?.originalBase ?? '';
        return { name, url: `${url}${base}` };
      }),
      gatewayUrl: gatewayListener?.url ?? null,
      opsUrl: opsListener?.url ?? null,
    },
    failed: new Promise(() => {}),
    figures: warder.figures,
    async drain() {
      warder.drain();
      await Promise.all([listeners.close(), gatewayListener?.close()]);
    },
    async retire() {
      await Promise.all([listeners.retire(), gatewayListener?.retire(), opsListener?.retire()]);
    },
    async close() {
      await warder.close();
      // Last, so that whoever asks meanwhile is told that it is not ready.
      await opsListener?.close();
      await telemetry?.close();
    },
  };
}

async function openGateway(
  warder: Warder,
  { file, plan, at, secret }: GatewayInUse,
  tls: ListenOptions['tls'],
  supervised: boolean,
): Promise<Listener> {
  const answer = await warder.gateway(plan, secret);
  if (answer !== null) return await openGatewayListener(answer, at, tls, supervised);
  const rule = `workspace must be one that there is, and ${plan.workspace} is none`;
  throw refused(`The gateway file ${file}: ${rule}: start without --gateway to make it.`);
}

/** Resolves with the exit code, once the first signal's orderly stop is done. */
function untilSignal(log: Log, stop: () => Promise<void>): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, 'stopping');
      const tooLong = setTimeout(() => {
        log.error('stopping took too long');
        process.exit(1);
      }, STOP_MILLISECONDS).unref();
      stop().then(
        () => {
          clearTimeout(tooLong);
          const code = signal === 'SIGINT' ? 130 : 0;
          // What a collector that is away leaves under way is not waited for.
          setTimeout(() => process.exit(code), LEAVE_MILLISECONDS).unref();
          resolve(code);
        },
        (error: unknown) => {
          log.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}

/** Undefined where no collector is named. */
async function telemetryOf(flags: Flags, log: Log): Promise<Telemetry | undefined> {
  const both = readSetting('otlpEndpoint', flags) !== undefined;
  const traces = both || readSetting('otlpTracesEndpoint', flags) !== undefined;
  const metrics = both || readSetting('otlpMetricsEndpoint', flags) !== undefined;
  const ratio = readSetting('tracesRatio', flags);
  if ((!traces && !metrics) || readSetting('telemetryDisabled', flags)) return undefined;
  return await openTelemetry({ version: VERSION, traces, metrics, ratio, log });
}

/** A SIGHUP, which whoever rotates logs sends, opens the file anew. */
function eventLogOf(flags: Flags, log: Log): EventLog | undefined {
  const file = readSetting('eventsLog', flags);
  if (file === undefined) return undefined;
  const eventLog = createEventLog(file, log);
  process.on('SIGHUP', () => eventLog.reopen());
  return eventLog;
}

/** What nobody foresaw ends the process: its state is not to be trusted. */
function endOnCrash(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    log.error({ err: error, origin }, 'crashed');
    process.exit(1);
  });
}

/** The address to call: by the name that was given, and never at "any address". */
function reachable(url: string, host: string): string {
  const { protocol, port } = new URL(url);
  const loopback = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  const name = loopback.includes(':') ? `[${loopback}]` : loopback;
  return `${protocol}//${name}${port && `:${port}`}`;
}

function workersIn(flags: Flags): number {
  const count = readSetting('workers', flags);
  return count === 'auto' ? availableParallelism() : count;
}

function networks(texts: readonly string[]): Network[] {
  return texts.map((text) => {
    const network = parseNetwork(text);
    if (network === null) {
      throw usage(
        '--trusted-proxies (WARDER_TRUSTED_PROXIES) must be networks separated by commas, for example 10.0.0.0/8,::1.',
      );
    }
    return network;
  });
}

function readTls(flags: Flags): { cert: string; key: string } | undefined {
  const cert = readSetting('tlsCert', flags);
  const key = readSetting('tlsKey', flags);
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw usage('--tls-cert and --tls-key belong together: give both or neither.');
  }
  try {
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } catch (error) {
    throw startFailure(error);
  }
}

/** The key in the first key's file, as long as it is good. */
async function usableKey(file: string, { lookup, host }: Opened): Promise<string | null> {
  try {
    const token = readFirstKey(file);
    if (token === null) return null;
    // Not a verification: that would count as a use of the key.
    const candidate = await lookup.find(host.digests(token.secret));
    const good = candidate !== null && statusOf(candidate.key, host.now()) === 'active';
    return good ? token.secret : null;
  } catch {
    return null;
  }
}
