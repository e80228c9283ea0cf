// The sockets of a service: one for everything, and one for each dialect that has its
// own. They open together or not at all, and end together.

import {
  type HeadHandler,
  type Listener,
  type ListenOptions,
  listen,
  listenToHeads,
  refuseServed,
  type Warder,
} from '@warder/server';
import type { GatewayAddress, NamedAddress } from '../parse.ts';
import { refused } from './installation.ts';

export interface Listeners {
  /** Where the service is. */
  readonly url: string;
  /** Where a dialect is alone, in the order they were named. */
  readonly ofDialects: readonly { readonly name: string; readonly url: string }[];
  /** As a listener closes, all at once. */
  close(): Promise<void>;
  /** As a listener retires. */
  retire(): Promise<void>;
}

/** What all of them have in common. */
type Common = Omit<ListenOptions, 'handle' | 'host' | 'port'>;

/** @throws Failure for an address that cannot be listened on, with nothing left open */
export async function openListeners(
  warder: Pick<Warder, 'handle' | 'handleOnly'>,
  address: { readonly host: string; readonly port: number },
  dialects: readonly NamedAddress[],
  common: Common,
): Promise<Listeners> {
  const opened: Listener[] = [];
  const closeAll = async () => void (await Promise.all(opened.map((one) => one.close())));
  const open = async (options: ListenOptions, flag: string): Promise<Listener> => {
    const listener = await listen(options).catch(async (error: unknown) => {
      await closeAll();
      throw listenFailure(error, `${options.host}:${options.port}`, flag);
    });
    opened.push(listener);
    return listener;
  };
  const { url } = await open(
    { ...common, ...address, handle: warder.handle },
    '--listen HOST:PORT',
  );
  const ofDialects: { name: string; url: string }[] = [];
  for (const { name, host, port } of dialects) {
    const handle = warder.handleOnly(name);
    if (handle === null) throw new Error(`${name} is not served`);
    const flag = `--dialect-listen ${name}=HOST:PORT`;
    ofDialects.push({ name, url: (await open({ ...common, host, port, handle }, flag)).url });
  }
  const retire = async () => void (await Promise.all(opened.map((one) => one.retire())));
  return { url, ofDialects, close: closeAll, retire };
}

/** The listener for operations, by plain HTTP: it carries no key. @throws Failure for an address that cannot be listened on */
export function openOpsListener(
  handle: ListenOptions['handle'],
  at: { readonly host: string; readonly port: number },
  common: Common,
): Promise<Listener> {
  return listen({ ...common, ...at, handle, tls: undefined }).catch((error: unknown) => {
    throw listenFailure(error, `${at.host}:${at.port}`, '--ops-listen HOST:PORT');
  });
}

/** A gateway's own listener, where nothing else is. @throws Failure for an address that cannot be listened on */
export function openGatewayListener(
  answer: HeadHandler,
  at: GatewayAddress,
  tls: Common['tls'],
  supervised: boolean,
): Promise<Listener> {
  const address = 'path' in at ? `unix:${at.path}` : `${at.host}:${at.port}`;
  // On this machine there is nobody on the way, and gateways would have to be told of the certificate.
  const needsTls = 'host' in at && !isLoopback(at);
  return listenToHeads({ answer, at, tls: needsTls ? tls : undefined, supervised }).catch(
    (error: unknown) => {
      throw listenFailure(error, address, '--gateway-listen');
    },
  );
}

/** For listeners of several workers, which look no more: removes a socket that nobody serves. @throws Failure */
export function freeGatewayAddress(path: string): Promise<void> {
  return refuseServed(path).catch((error: unknown) => {
    throw listenFailure(error, `unix:${path}`, '--gateway-listen');
  });
}

export function isLoopback({ host }: { readonly host: string }): boolean {
  return /^(127\.[\d.]+|::1|localhost)$/.test(host);
}

/** @param flag what gives another address */
function listenFailure(error: unknown, address: string, flag: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EADDRINUSE') {
    const why = `another program does already (EADDRINUSE); ${flag} names another address`;
    return refused(`${address} cannot be listened on: ${why}.`);
  }
  const why = LISTENING[code];
  if (why !== undefined) return refused(`${address} cannot be listened on: ${why}.`);
  if (/^ERR_(OSSL|SSL|TLS)/.test(code)) {
    return refused(
      `The certificate or its key cannot be used (${code}): both must be PEM and belong together.`,
    );
  }
  return error;
}

const LISTENING: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no such address (EADDRNOTAVAIL)',
  EACCES: 'permission is denied (EACCES)',
  ENOENT: 'there is no such folder (ENOENT)',
  ENOTFOUND: 'no such host is known (ENOTFOUND)',
  EAI_AGAIN: 'no such host is known (EAI_AGAIN)',
};
