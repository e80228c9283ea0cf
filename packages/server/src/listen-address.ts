// Where a listener is: a host and a port, or a Unix socket that nobody but its owner and
// their group may use, and that no other program serves already.

import { lstatSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/** A host and a port, 0 for any free one; or the path of a Unix socket. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

export function listenAt(server: Server, at: ListenAddress, done: () => void): void {
  if (!('path' in at)) {
    server.listen(at.port, at.host, done);
    return;
  }
  // Made with this mode, since one that is changed later was open until then.
  const mask = process.umask(0o117);
  try {
    server.listen(at.path, done);
  } finally {
    process.umask(mask);
  }
}

/** Removes a socket that nobody serves. @throws EADDRINUSE for one that somebody does, and for anything else there */
export async function refuseServed(path: string): Promise<void> {
  // A missing folder would be told as a lack of permission.
  lstatSync(dirname(path));
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  const served = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')));
  });
  if (served || !there.isSocket()) {
    throw Object.assign(new Error(`${path} is in use`), { code: 'EADDRINUSE' });
  }
  rmSync(path, { force: true });
}

/** Of a server that listens on a host and a port. */
export function urlOf(server: Server, secure: boolean): string {
  // A server that listens on host and port has an address of this kind.
  const { address, family, port } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${secure ? 'https' : 'http'}://${host}:${port}`;
}
