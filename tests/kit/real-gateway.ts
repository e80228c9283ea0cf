// A real gateway before a real service: the program with the configuration of its
// example, ports put in, an upstream that keeps what it was sent, and Warder between.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { openGateway } from './gateway.ts';
import { exchange, type Received } from './http.ts';
import { type Service, startService } from './service.ts';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** The folder in examples/. */
  readonly example: string;
  /** The file in it that names ports. */
  readonly file: string;
}

/** A request as the upstream got it. */
export interface Reached {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  /** Names as a service that reads headers as variables has them, with each value. */
  readonly variables: ReadonlyMap<string, readonly string[]>;
}

/** Where also those are that only root is thought to start. */
const PROGRAM_PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Whether a program is there. Under CI it must be: its tests then fail aloud. */
export function isInstalled(command: string): boolean {
  const folders = PROGRAM_PATH.split(':');
  return Boolean(process.env.CI) || folders.some((folder) => existsSync(join(folder, command)));
}

export type RealGateway = Awaited<ReturnType<typeof startRealGateway>>;

export async function startRealGateway(program: Program) {
  const service: Service = await startService();
  const folder = mkdtempSync(join(tmpdir(), 'warder-gateway-'));
  cpSync(exampleAt(program.example), folder, { recursive: true });
  // What root starts may go on as somebody else, and keeps long bodies here.
  chmodSync(folder, 0o755);
  const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'));
  const asked = await openGateway(service, plan);
  const reached: Reached[] = [];
  const upstream = createServer((request, response) => {
    void textOf(request).then((body) => {
      reached.push(reachedBy(request, body));
      response.end('from the service');
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const port = await freePort();
  const ports = { 8080: port, 7701: Number(new URL(asked.url).port), 9000: portOf(upstream) };
  const file = join(folder, program.file);
  writeFileSync(file, withPorts(readFileSync(file, 'utf8'), ports));

  const child = spawn(program.command, program.args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: PROGRAM_PATH, HOME: folder },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const ended = once(child, 'close');
  await listensAt(port, ended, () => said);
  const url = `http://127.0.0.1:${port}`;
  const agent = new Agent({ keepAlive: true });

  return {
    service,
    url,
    /** What reached the upstream, in order. */
    reached,
    send(
      path: string,
      headers: Readonly<Record<string, string>>,
      method = 'GET',
      body?: string,
    ): Promise<Received> {
      return exchange(url, agent, { method, path, headers, body });
    },
    /** Ends what answers the gateway, as if the service were gone. */
    silence: () => asked.close(),
    async close() {
      child.kill('SIGTERM');
      await ended;
      agent.destroy();
      upstream.closeAllConnections();
      upstream.close();
      await asked.close();
      await service.close();
      rmSync(folder, { recursive: true });
      const leak = service.canaries.findIn(said);
      if (leak !== null) throw new Error(`${program.command} printed ${leak}: ${said}`);
    },
  };
}

export function exampleAt(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

/** A text of an example with other ports than it has. */
export function withPorts(text: string, ports: Readonly<Record<number, number>>): string {
  return text.replace(/(?<=:)\d{4}\b/g, (port) => String(ports[Number(port)] ?? port));
}

export async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Once somebody listens there. @throws when the program that should has ended */
export async function listensAt(
  port: number,
  ended: Promise<unknown>,
  said: () => string,
): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
  while (!(await answers())) {
    if (over) throw new Error(`it ended before it listened: ${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function reachedBy({ method = '', url = '', rawHeaders }: IncomingMessage, body: string): Reached {
  const variables = new Map<string, string[]>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase().replace(/[^a-z0-9]/g, '_');
    variables.set(name, [...(variables.get(name) ?? []), rawHeaders[i + 1] ?? '']);
  }
  return { method, url, body, variables };
}

function portOf(server: { address(): unknown }): number {
  // A server that listens on host and port has an address of this kind.
  return (server.address() as AddressInfo).port;
}
