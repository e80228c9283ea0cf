// What goes on beside the verifications that are measured: every list, an export, a
// backup. A process of its own, which gives way to the service:
// in earnest its clients have machines of their own, and what they do with an answer
// must not count as time of the service. Ends when its standard input does.

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { exchange, type Over } from './exchange.ts';
import { HALF, WORDS } from './load.ts';
import { makeStore } from './store.ts';

const [url = '', folder = '', program = ''] = process.argv.slice(2);
/** Gives way to what is measured, as clients of their own machines would. */
const [STEPS_BACK, LEAST] = [10, 19];
const LISTS = [
  'status=active&include=total',
  `owner_id=${HALF.owner}&include=total`,
  `search=${WORDS.half}&include=total`,
  'scope=files:read',
  'environment=test',
  `metadata.plan=${HALF.plan}`,
  'never_used=true',
  'expires_before=2030-01-01T00:00:00Z',
  'sort=name',
  'sort=-last_used_at',
];

setPriority(Math.min(getPriority() + STEPS_BACK, LEAST));
const { firstKey, workspaces } = await makeStore(folder);
const [big = ''] = workspaces;
const agent = new Agent({ keepAlive: true });
const get = (at: string) => exchange(agent, 'GET', url + at, firstKey);
const over: Over = { yes: false };
process.stdin.on('end', () => {
  over.yes = true;
});
process.stdin.resume();

const done: Record<string, number> = {};
const counted = (name: string, run: () => Promise<unknown>) => async () => {
  await run();
  done[name] = (done[name] ?? 0) + 1;
};
const until = async (run: () => Promise<unknown>) => {
  while (!over.yes) await run();
};

await Promise.all([
  ...LISTS.map((query) =>
    until(counted('lists', () => get(`/v1/keys?workspace_id=${big}&limit=200&${query}`))),
  ),
  until(counted('exports', () => get('/v1/events/export'))),
  until(counted('backups', backup)),
]);
agent.destroy();
console.log(JSON.stringify(done));

async function backup(): Promise<void> {
  const out = join(folder, 'bench-backup.db');
  const child = spawn(
    process.execPath,
    program === '/bin/true'
      ? ['-e', 'setTimeout(()=>{},1000)']
      : [program, 'backup', '--data', folder, '--out', out],
    {
      stdio: 'ignore',
    },
  );
  const code = await new Promise((resolve) => child.once('close', resolve));
  rmSync(out, { force: true });
  if (code !== 0) throw new Error(`warder backup ended with ${code}`);
}
