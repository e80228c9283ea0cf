// Connections that node:cluster hands to a worker which dies before it takes them: the
// one who handed them over would keep them open, and silent, for as long as their
// clients wait. Here they are ended with the worker, so that their clients ask again.

import type { ChildProcess } from 'node:child_process';

/** What is handed over with a message: closed by node:cluster once the worker has taken it. */
interface Handed {
  close(done?: () => void): void;
}

/** Ends, with the worker, what it was handed and did not take. */
export function endUntaken(child: ChildProcess): void {
  const handed = new Set<Handed>();
  const send = child.send.bind(child) as (...all: readonly unknown[]) => boolean;
  child.send = (message: unknown, handle?: unknown, ...rest: readonly unknown[]) => {
    if (isConnection(message, handle)) {
      handed.add(handle);
      const close = handle.close.bind(handle);
      handle.close = (done) => {
        handed.delete(handle);
        close(done);
      };
    }
    return send(message, handle, ...rest);
  };
  child.once('exit', () => {
    for (const handle of handed) handle.close();
  });
}

/** Whether a message of node:cluster brings a connection; the listeners it brings as well are its own. */
function isConnection(message: unknown, handle: unknown): handle is Handed {
  const isNew = message instanceof Object && 'act' in message && message.act === 'newconn';
  return isNew && handle instanceof Object && 'close' in handle;
}
