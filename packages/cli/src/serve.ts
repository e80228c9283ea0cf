// `warder serve`: the service put together from the settings, run until a signal
// ends it. People read standard output; the log is JSON lines on standard error.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Network, parseNetwork, statusOf } from '@warder/core';
import {
  assembleWarder,
  createEventLog,
  createLog,
  type EventLog,
  type Listener,
  type ListenOptions,
  type Log,
  type Warder,
} from '@warder/server';
import { announce } from './announcement.ts';
import { type Flags, readSetting } from './config.ts';
import { usage } from './failure.ts';
import { keepHeapSmall } from './heap.ts';
import { dialectListenersIn, dialectsIn, sharedCredentialsIn } from './local/dialects.ts';
import { firstKeyIn, readFirstKey } from './local/first-key.ts';
import { type GatewayInUse, gatewayIn } from './local/gateway.ts';
import { type Opened, openOrMake, refused, startFailure } from './local/installation.ts';
import { readIssuers } from './local/issuers.ts';
import { limitsInRedis, redisIn } from './local/limits.ts';
import {
  isLoopback,
  openGatewayListener,
  openListeners,
  openOpsListener,
} from './local/listeners.ts';
import type { Output } from './output.ts';
import { VERSION } from './version.ts';

/** The listeners give up on requests in flight after 8 s, so that all is done within ten. */
const STOP_MILLISECONDS = 9_500;

/** Runs the service; resolves once a signal has ended it, with `process.exitCode` set. */
export async function serve(flags: Flags, output: Output): Promise<void> {
  const address = readSetting('listen', flags);
  const opsAddress = readSetting('opsListen', flags);
  const trustedProxies = networks(readSetting('trustedProxies', flags) ?? []);
  const publicUrl = readSetting('publicUrl', flags) ?? null;
  const log = createLog(readSetting('logLevel', flags));
  const tls = readTls(flags);
  const dialects = dialectsIn(flags);
  const dialectAddresses = dialectListenersIn(flags);
  const sharedCredentials = sharedCredentialsIn(flags);
  const issuers = await readIssuers(flags);
  const gateway = gatewayIn(flags);
  const redis = redisIn(flags);
  const keyFile =
    readSetting('bootstrapKeyFile', flags) ?? join(readSetting('data', flags), 'first-key');
  endOnCrash(log);
  keepHeapSmall();

  let made = false;
  const opened = await openOrMake(
    flags,
    (host) => {
      made = true;
      return firstKeyIn(keyFile, host);
    },
    log,
  );
  const limits = redis && (await limitsInRedis(redis, flags, log));
  const eventLog = eventLogOf(flags, log);
  const warder = assembleWarder({
    ...opened,
    publicUrl,
    version: VERSION,
    log,
    dialects,
    dialectCors: readSetting('dialectCors', flags),
    sharedCredentials,
    limits,
    eventLog,
    cacheBytes: readSetting('cacheBytes', flags),
    eventsRetentionSeconds: readSetting('eventsRetention', flags),
    usageHoursRetentionSeconds: readSetting('usageHoursRetention', flags),
    usageDaysRetentionSeconds: readSetting('usageDaysRetention', flags),
    issuers,
    callsPerSecond: readSetting('callsPerSecond', flags),
    metricsApart: opsAddress !== undefined,
  });
  const common = { tls, trustedProxies, newRequestId: () => randomUUID() };
  const closing = async (error: unknown) => {
    await warder.close();
    throw error;
  };
  const opsListener =
    opsAddress && (await openOpsListener(warder.handleOps, opsAddress, common).catch(closing));
  const gatewayListener =
    gateway &&
    (await openGateway(warder, gateway, common.tls).catch(async (error: unknown) => {
      await opsListener?.close();
      return await closing(error);
    }));
  const listeners = await openListeners(warder, address, dialectAddresses, common).catch(
    async (error: unknown) => {
      await Promise.all([gatewayListener?.close(), opsListener?.close()]);
      return await closing(error);
    },
  );
  const ended = untilSignal(log, async () => {
    warder.drain();
    await Promise.all([listeners.close(), gatewayListener?.close()]);
    await warder.close();
    // Last, so that whoever asks meanwhile is told that it is not ready.
    await opsListener?.close();
  });

  const addresses = [address, ...dialectAddresses];
  if (gateway && 'host' in gateway.at) addresses.push(gateway.at);
  const about = {
    url: listeners.url,
    baseUrl: publicUrl ?? reachable(listeners.url, address.host),
    dialects: listeners.ofDialects.map(({ name, url }) => {
      const base = dialects.find((dialect) => dialect.name === name)?.originalBase ?? '';
      return { name, url: `${url}${base}` };
    }),
    gateway:
      gateway && gatewayListener
        ? { kind: gateway.plan.kind.name, url: gatewayListener.url }
        : null,
    ops: opsListener?.url ?? null,
    data: readSetting('data', flags),
    keyFile,
    firstKey: await usableKey(keyFile, opened),
    made,
    standardOutputTaken: readSetting('eventsLog', flags) === '-',
    open: tls === undefined && !addresses.every(isLoopback),
  };
  announce(output, about);
  process.exitCode = await ended;
}

async function openGateway(
  warder: Warder,
  { file, plan, at, secret }: GatewayInUse,
  tls: ListenOptions['tls'],
): Promise<Listener> {
  const answer = await warder.gateway(plan, secret);
  if (answer !== null) return await openGatewayListener(answer, at, tls);
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
      setTimeout(() => {
        log.error('stopping took too long');
        process.exit(1);
      }, STOP_MILLISECONDS).unref();
      stop().then(
        () => resolve(signal === 'SIGINT' ? 130 : 0),
        (error: unknown) => {
          log.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
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
