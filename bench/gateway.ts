// What the answer to a gateway costs: its CPU against the least that node:http can do
// with the same headers, each in a process of its own, and what is left of nginx when it
// asks for each request.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type Row } from './measure.ts';
import { begin, load, type Served, type Taken, taken, withProcesses } from './served.ts';

const KEYS = 1_000;
const FEW = 16;
const ROUNDS = 7;

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const PLAN = readFileSync(path('../examples/gateway-nginx/plan.json'), 'utf8');

export async function benchGateway(): Promise<Row[]> {
  return await withProcesses(async (folder, children) => {
    const warder = await begin(children, ['gateway', folder, String(KEYS), PLAN]);
    const bare = await begin(children, ['bare-gateway']);
    const rows = await benchAnswer(bare, warder);
    return [...rows, ...(await benchNginx(children, folder, bare, warder))];
  });
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
  const rounds: Taken[][] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const took: Taken[] = [];
    for (const { served, requests } of alternatives) took.push(await taken(served, requests));
    if (round > 0) rounds.push(took);
  }
  const medians = alternatives.map(({ name }, i) => {
    const cpu = median(rounds.map((round) => round[i]?.cpu ?? 0));
    return `${name} ${cpu.toFixed(1)} us`;
  });
  console.log(`\nCPU of an answer: ${medians.join(', ')}`);
  const what = 'CPU of a gateway answer against a bare node:http GET that reads the header';
  return alternatives.slice(1).map(({ name }, i) => ({
    what: `${what}, ${name} in use`,
    measured: median(rounds.map((round) => (round[i + 1]?.cpu ?? 0) / (round[0]?.cpu ?? 1))),
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
