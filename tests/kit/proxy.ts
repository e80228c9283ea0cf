// A TCP proxy that can be told to swallow what passes through it, as a network does that
// was cut, to hold it up, or to end what is connected.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Whether bytes get lost, in both directions; connections stay. */
  swallows: boolean;
  /** Milliseconds by which whatever passes from now on is late, in both directions. */
  delay: number;
  /** Whatever passes over the connections that there are gets lost from now on, until they are cut; new ones are good. */
  loseThese(): void;
  /** Ends all connections. */
  cut(): void;
  close(): Promise<void>;
}

/** @param target where a connection leads: a port of the loopback */
export async function startProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const lost = new WeakSet<Socket>();
  const proxy = { swallows: false, delay: 0 };
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      /** Until what came before has passed on. */
      let before: Promise<void> | null = null;
      const passOn = async (bytes: Buffer, delay: number, earlier: Promise<void> | null) => {
        const due = new Promise((resolve) => setTimeout(resolve, delay));
        await earlier;
        await due;
        if (to.writable && !proxy.swallows && !lost.has(from)) to.write(bytes);
      };
      from.on('data', (bytes: Buffer) => {
        if (proxy.swallows || lost.has(from)) return;
        if (proxy.delay === 0 && before === null) return void to.write(bytes);
        const own = passOn(bytes, proxy.delay, before).then(() => {
          if (before === own) before = null;
        });
        before = own;
      });
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return Object.assign(proxy, {
    port: (server.address() as AddressInfo).port,
    loseThese() {
      for (const socket of sockets) lost.add(socket);
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  });
}
