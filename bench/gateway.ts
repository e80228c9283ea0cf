// What the answer to a gateway costs: its CPU against the least that node:http can do
// with the same headers, each in a process of its own, and what is left of nginx when it
// asks for each request.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type Row } from './measure.ts';

const KEYS = 1_000;
const FEW = 16;
const REQUESTS = 40_000;
const CONNECTIONS = 64;
const ROUNDS = 7;
/** What `getconf CLK_TCK` is on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const PLAN = readFileSync(path('../examples/gateway-nginx/plan.json'), 'utf8');

export async function benchGateway(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
  const children: ChildProcess[] = [];
  try {
    const warder = await begin(children, ['warder', folder, String(KEYS), PLAN]);
    const bare = await begin(children, ['bare']);
    const rows = await benchAnswer(bare, warder);
    return [...rows, ...(await benchNginx(children, folder, bare, warder))];
  } finally {
    const ends = children.map((child) => once(child, 'close'));
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(ends);
    rmSync(folder, { recursive: true });
  }
}

interface Served {
  readonly child: ChildProcess;
  readonly port: number;
  readonly secrets: readonly string[];
}

async function benchAnswer(bare: Served, warder: Served): Promise<Row[]> {
  const asked = warder.secrets.map(
    (secret) =>
      `GET / HTTP/1.1\r\nHost: warder\r\nX-Original-Method: GET\r\nX-Original-URI: /v1/files/a\r\nX-Forwarded-For: 192.0.2.7\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\nAuthorization: Bearer ${secret}\r\n\r\n`,
  );
  // Each second the keys that were used are written: of many that is work of its own.
  const few = asked.slice(0, FEW);
  const alternatives = [
    { name: 'bare', served: bare, requests: asked },
    { name: `${FEW} keys`, served: warder, requests: few },
    { name: `${KEYS} keys`, served: warder, requests: asked },
  ];
  const rounds: number[][] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const taken: number[] = [];
    for (const { served, requests } of alternatives) {
      const before = cpuMilliseconds(served.child);
      await load(served.port, requests);
      taken.push(((cpuMilliseconds(served.child) - before) * 1000) / REQUESTS);
    }
    if (round > 0) rounds.push(taken);
  }
  const medians = alternatives.map(({ name }, i) => {
    const taken = median(rounds.map((round) => round[i] ?? 0));
    return `${name} ${taken.toFixed(1)} us`;
  });
  console.log(`\nCPU of an answer: ${medians.join(', ')}`);
  const what = 'CPU of a gateway answer against a bare node:http GET that reads the header';
  return alternatives.slice(1).map(({ name }, i) => ({
    what: `${what}, ${name} in use`,
    measured: median(rounds.map((round) => (round[i + 1] ?? 0) / (round[0] ?? 1))),
    most: 1.06,
  }));
}

async function benchNginx(
  children: ChildProcess[],
  folder: string,
  bare: Served,
  warder: Served,
): Promise<Row[]> {
  chmodSync(folder, 0o755);
  const example = readFileSync(path('../examples/gateway-nginx/nginx.conf'), 'utf8');
  const asking = await nginxOf(children, folder, 'asking', example, bare, warder);
  // The same file without what asks, and what is made of the answer.
  const without = example.replace(/^ *(auth_request|add_header|error_page)\b.*\n/gm, '');
  const plain = without
    .replace(/^ *(?:if \()?.*\$warder_.*\n/gm, '')
    .replace(/location @refused[\s\S]*?return 403;\s*\}/, '');
  const alone = await nginxOf(
    children,
    folder,
    'alone',
    plain.replace(/^ *return 503;\n *\}\n/gm, ''),
    bare,
    warder,
  );
  const requests = warder.secrets.map(
    (secret) =>
      `GET /v1/files/a HTTP/1.1\r\nHost: api\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\nAuthorization: Bearer ${secret}\r\n\r\n`,
  );
  const shares: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const withoutIt = await load(alone, requests);
    const withIt = await load(asking, requests);
    if (round > 0) shares.push((100 * withoutIt) / withIt);
  }
  const what = 'requests a second of nginx with auth_request to it, in % of nginx without';
  return [{ what, measured: median(shares), least: 50 }];
}

async function nginxOf(
  children: ChildProcess[],
  folder: string,
  name: string,
  text: string,
  bare: Served,
  warder: Served,
): Promise<number> {
  const port = await freePort();
  const ports: Record<string, number> = { 8080: port, 7701: warder.port, 9000: bare.port };
  const file = join(folder, `${name}.conf`);
  const own = text
    .replace('nginx.pid', `${name}.pid`)
    .replace('access_log off;', 'access_log off; keepalive_requests 1000000;');
  writeFileSync(
    file,
    own.replace(/(?<=:)\d{4}\b/g, (found) => String(ports[found] ?? found)),
  );
  const args = ['-p', folder, '-c', file, '-e', 'stderr', '-g', 'daemon off;'];
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const child = spawn('nginx', args, { stdio: 'inherit', env });
  children.push(child);
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error('nginx ended');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return port;
}

/** Where there are two cores, what serves has one and what asks has the other. */
async function begin(children: ChildProcess[], args: readonly string[]): Promise<Served> {
  const node = [process.execPath, '--conditions=warder-source', path('gateway-process.ts')];
  const pinned = availableParallelism() > 1 ? ['taskset', '-c', '0', ...node] : node;
  const [command = '', ...rest] = pinned;
  const child = spawn(command, [...rest, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.endsWith('\n')) break;
  }
  const { url, secrets } = JSON.parse(said);
  return { child, secrets, port: Number(new URL(url).port) };
}

/** User and system time of a process, from /proc. */
function cpuMilliseconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}

/** Sends so many requests, one after the other on each connection. Answers the milliseconds it took. */
async function load(port: number, requests: readonly string[]): Promise<number> {
  const start = performance.now();
  let sent = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true).setEncoding('latin1');
      const next = () => {
        if (sent === REQUESTS) return void socket.end();
        socket.write(requests[sent++ % requests.length] ?? '');
      };
      socket.on('connect', next);
      socket.on('data', (text: unknown) => {
        // Answers are short: each comes in one piece.
        if (String(text).startsWith('HTTP/1.1 200 ')) next();
        else reject(new Error(`answered ${String(text).slice(0, 200)}`));
      });
      socket.on('error', reject).on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return performance.now() - start;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
