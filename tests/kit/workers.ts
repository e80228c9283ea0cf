// A service of several workers, and connections that stay with the worker they came
// to: which that is, the system says (Linux: /proc).

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, type OutgoingHttpHeaders, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Service } from './crash-child.ts';
import type { Json } from './kill-load.ts';

/** The processes that serve, by what the system calls the children of the supervisor. */
export function workersOf({ child }: Pick<Service, 'child'>): number[] {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

export interface Told {
  readonly status: number;
  readonly body: Json;
  /** Whether the connection ends with this reply. */
  readonly last: boolean;
}

export interface Connection {
  /** One call after the other. Rejects where it is cut off. */
  ask(method: string, path: string, body?: Json): Promise<Told>;
  verify(key: string, more?: Json): Promise<string>;
  /** Which of them answers it. */
  worker(pids: readonly number[]): number | undefined;
  close(): void;
}

export async function openConnection(service: Service): Promise<Connection> {
  const url = await service.url;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const authorization = `Bearer ${service.firstKey()}`;
  let socket: Socket | null = null;
  const ask = (method: string, path: string, body?: Json): Promise<Told> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? null : JSON.stringify(body);
      const headers: OutgoingHttpHeaders = { authorization };
      if (text !== null) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = Buffer.byteLength(text);
      }
      const asking = request(`${url}${path}`, { method, agent, headers });
      asking.on('error', reject);
      asking.on('socket', (given) => {
        socket = given;
      });
      asking.on('response', (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (more) => {
          said += more;
        });
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers: got } = response;
          resolve({ status, body: JSON.parse(said), last: got.connection === 'close' });
        });
      });
      asking.end(text ?? undefined);
    });
  return {
    ask,
    async verify(key, more = {}) {
      const { status, body } = await ask('POST', '/v1/keys/verify', { key, ...more });
      return status === 200 ? String(body.code) : `${status}`;
    },
    worker: (pids) => pids.find((pid) => portsOf(pid).has(socket?.localPort ?? -1)),
    close: () => agent.destroy(),
  };
}

/** A connection to each of the workers, which are as many as there should be. */
/** Waits until as many workers answer as there should be. */
export async function connectionToEach(service: Service, count: number): Promise<Connection[]> {
  const found = new Map<number, Connection>();
  await until(async () => {
    const connection = await openConnection(service);
    await connection.ask('GET', '/livez');
    const pid = connection.worker(workersOf(service));
    if (pid === undefined || found.has(pid)) connection.close();
    else found.set(pid, connection);
    return found.size === count;
  }, `${count} workers answer`);
  return [...found.values()];
}

/** The ports at the other end of a process's connections. */
function portsOf(pid: number): Set<number> {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1);
  return new Set(
    rows.flatMap((row) => {
      const [, , remote = '', , , , , , , inode = ''] = row.trim().split(/\s+/);
      return sockets.has(inode) ? [Number.parseInt(remote.split(':')[1] ?? '', 16)] : [];
    }),
  );
}

/** Waits, looking again and again, until it is so. */
export async function until(so: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await so())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
