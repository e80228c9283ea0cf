// `npm run bench`: every bench, one after the other; `npm run bench -- lists` one of
// them. The table at the end is what bench/RESULTS.md holds. The stores of a million
// keys, a file and PostgreSQL's, are made once, in WARDER_BENCH_FOLDER or a folder for
// temporary files.

import { spawnSync } from 'node:child_process';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchLists } from './lists.ts';
import { type Row, table } from './measure.ts';
import { benchService } from './service.ts';
import { makeStore } from './store.ts';

const folder = process.env.WARDER_BENCH_FOLDER ?? join(tmpdir(), 'warder-bench');
const benches: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  verdict: async () => await (await import('./verdict.ts')).benchVerdict(),
  hot: async () => await (await import('./hot.ts')).benchHot(),
  gateway: async () => await (await import('./gateway.ts')).benchGateway(),
  rivals: async () => await (await import('./rivals.ts')).benchRivals(),
  client: async () => await (await import('./client.ts')).benchClient(),
  lists: async () => await benchLists(await makeStore(folder)),
  cold: async () => await (await import('./cold.ts')).benchCold(await makeStore(folder)),
  service: async () => {
    build();
    return await benchService(await makeStore(folder));
  },
  lookups: async () => await (await import('./lookups.ts')).benchLookups(folder),
  creates: async () => await (await import('./creates.ts')).benchCreates(),
  usage: async () => await (await import('./usage.ts')).benchUsage(),
  feed: async () => await (await import('./feed.ts')).benchFeed(),
  revocation: async () => {
    build();
    return await (await import('./revocation.ts')).benchRevocation();
  },
  workers: async () => {
    build();
    return await (await import('./workers.ts')).benchWorkers();
  },
  million: async () => {
    build();
    return await (await import('./million.ts')).benchMillion(folder);
  },
};
let isBuilt = false;
function build(): void {
  if (isBuilt) return;
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
  isBuilt = true;
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) throw new Error(`there is no bench ${unknown}: ${Object.keys(benches)}`);

const [cpu] = cpus();
console.log(`Node ${process.version}, ${cpus().length} x ${cpu?.model}, medians of 7 rounds`);
const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length === 0 || asked.includes(name)) rows.push(...(await bench()));
}
console.log(`\n${table(rows)}`);
