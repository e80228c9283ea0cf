// A client that speaks HTTP by hand, as slowly, as incompletely and as rudely as a
// test wants: what it writes is on the wire, and what comes back is text.

import { connect, type Socket } from 'node:net';

export interface Wire {
  readonly socket: Socket;
  /** All that was received. */
  heard(): string;
  /** Resolves once it was received; @throws when the connection ends before that. */
  hears(pattern: RegExp): Promise<string>;
  /** Resolves when the connection is closed by either side. */
  readonly closed: Promise<void>;
}

/** @throws when it is refused */
export async function dial(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let heard = '';
  let isClosed = false;
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const one of waiting) one();
  };
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      isClosed = true;
      resolve();
      tell();
    }),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  // A reset is an end like another: whoever waits hears of it.
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (text) => {
    heard += text;
    tell();
  });
  return {
    socket,
    closed,
    heard: () => heard,
    hears: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.test(heard);
          if (!found && !isClosed) return;
          waiting.delete(look);
          if (found) resolve(heard);
          else reject(new Error(`the connection ended without ${pattern}: ${heard}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Whether a new connection is refused. */
export async function isRefused(url: string): Promise<boolean> {
  try {
    const { socket } = await dial(url);
    socket.destroy();
    return false;
  } catch {
    return true;
  }
}
