// `warder events` as people run it, and the log of events for a collector.

import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { call, newFolder, run, serve, start } from './fixtures/program.ts';

type Row = Record<string, unknown>;

async function started(args: readonly string[] = [], cwd = newFolder()) {
  const running = await serve(cwd, args);
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const env = { WARDER_URL: running.url };
  const create = (body: Row = {}) => call(running.url, key, 'POST', '/v1/keys', body);
  return { ...running, cwd, key, env, create };
}

async function stop({ child, ended }: Awaited<ReturnType<typeof started>>) {
  child.kill('SIGTERM');
  return await ended;
}

/** Tries until it no longer throws. */
async function eventually<Value>(attempt: () => Value | Promise<Value>): Promise<Value> {
  for (const giveUpAt = performance.now() + 10_000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function linesOf(file: string): Row[] {
  const text = readFileSync(file, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Every event of the service, the oldest first, once all are sealed. */
async function allEvents(url: string, key: string): Promise<Row[]> {
  return eventually(async () => {
    const { body } = await call(url, key, 'GET', '/v1/events?limit=200');
    const events = body.data as Row[];
    if (events.some(({ number }) => number === null)) throw new Error('not sealed yet');
    return events.toReversed();
  });
}

/** Lines of one chain are in its order; chains may take turns. */
function byChain(events: readonly Row[]): Record<string, unknown[]> {
  return Object.groupBy(events, ({ workspace_id }) => String(workspace_id)) as never;
}

test('verify and head read beside a running service, and find what was changed', async () => {
  const service = await started();
  for (let i = 0; i < 3; i++) await service.create({ owner_id: 'customer' });
  await allEvents(service.url, service.key);
  const holds = await run(['events', 'verify'], service);
  expect(holds).toMatchObject({ code: 0, stderr: '' });
  expect(holds.stdout).toMatch(/^\d+ events in 2 chains hold\.\n$/);
  const { stdout: heads } = await run(['events', 'head'], service);
  expect(heads).toMatch(/^[\da-f-]{36} \d+ [\w-]{43}\ninstance \d+ [\w-]{43}\n$/);
  writeFileSync(join(service.cwd, 'heads'), heads);
  expect(await run(['events', 'verify', '--head', 'heads'], service)).toMatchObject({ code: 0 });

  const database = new Database(join(service.cwd, 'data/warder.db'));
  const set = (sql: string) => database.prepare(sql).run();
  set(
    "DELETE FROM events WHERE chain = 'instance' AND number = (SELECT number FROM chains WHERE name = 'instance')",
  );
  const cut = await run(['events', 'verify', '--json'], service);
  expect(cut.code).toBe(1);
  const report = JSON.parse(cut.stdout);
  expect(report).toMatchObject({ holds: false, unsealed: 0 });
  expect(report.chains.find(({ chain }: Row) => chain === 'instance').fault.what).toMatch(
    /deleted/,
  );
  set(
    "UPDATE chains SET (number, mac) = (SELECT number, mac FROM events WHERE chain = 'instance' ORDER BY number DESC LIMIT 1) WHERE name = 'instance'",
  );
  expect(await run(['events', 'verify'], service)).toMatchObject({ code: 0 });
  const noted = await run(['events', 'verify', '--head', 'heads'], service);
  expect(noted.code).toBe(1);
  expect(noted.stdout).toMatch(/^Chain instance, event \d+: the chain was cut off/);
  set("UPDATE events SET type = 'key.erased' WHERE chain <> 'instance' AND number = 2");
  const edited = await run(['events', 'verify'], service);
  expect(edited.code).toBe(1);
  expect(edited.stdout).toMatch(/^Chain [\da-f-]{36}, event 2: it is not what was sealed here/);
  database.close();
});

test('verify refuses another secret, a head file that is none, and a folder without a database', async () => {
  const service = await started();
  await stop(service);
  const { cwd } = service;
  const other = { cwd, env: { WARDER_SECRET: 'ab'.repeat(32) } };
  expect(await run(['events', 'verify'], other)).toMatchObject({
    code: 1,
    stderr: 'The installation secret is not the one that this database was made with.\n',
  });
  writeFileSync(join(cwd, 'heads'), 'instance 5\n');
  expect((await run(['events', 'verify', '--head', 'heads'], { cwd })).code).toBe(2);
  expect((await run(['events', 'verify', '--head', 'missing'], { cwd })).code).toBe(2);
  expect((await run(['events', 'head', '--data', 'nowhere'], { cwd })).stderr).toMatch(
    /^There is no database/,
  );
  expect(existsSync(join(cwd, 'nowhere'))).toBe(false);
});

test('list, export and follow show what the service has, and follow goes on until it is interrupted', async () => {
  const service = await started();
  for (let i = 0; i < 3; i++) await service.create({ name: `Key ${i}` });
  const events = await allEvents(service.url, service.key);
  const { stdout } = await run(['events', 'list', '--type', 'key.created'], service);
  expect(stdout.split('\n')[0]).toMatch(/^TIME +NUMBER +TYPE +SUBJECT/);
  expect(stdout.match(/key\.created/g)).toHaveLength(4);
  const all = await run(['events', 'list', '--all', '--limit', '2', '--json'], service);
  expect(JSON.parse(all.stdout)).toEqual(events.toReversed());

  const exported = await run(['events', 'export'], service);
  const lines = exported.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.slice(0, -1)).toEqual(events);
  expect(lines.at(-1)).toMatchObject({ type: 'events.exported' });
  const toFile = await run(['events', 'export', '--out', 'events.jsonl'], service);
  expect(toFile).toMatchObject({ code: 0 });
  const file = join(service.cwd, 'events.jsonl');
  expect(
    linesOf(file)
      .map(({ id }) => id)
      .slice(0, lines.length),
  ).toEqual(lines.map(({ id }) => id));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await run(['events', 'export', '--out', 'events.jsonl'], service)).toMatchObject({
    code: 2,
  });

  const following = start(['events', 'follow', '--json'], service);
  await following.shows(/events\.exported/);
  const { body } = await service.create({ name: 'while it follows' });
  await following.shows(new RegExp(`"id":"${body.id}"`));
  following.child.kill('SIGINT');
  const ended = await following.ended;
  expect(ended.code).toBe(130);
  const ids = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('--events-log writes each event once, in the order of its chain, over rotation and restarts', async () => {
  const cwd = newFolder();
  const file = join(cwd, 'events.log');
  const service = await started(['--events-log', 'events.log'], cwd);
  await service.create({ owner_id: 'customer' });
  await allEvents(service.url, service.key);
  await eventually(() => expect(linesOf(file)).toHaveLength(5));
  expect(statSync(file).mode & 0o777).toBe(0o600);

  renameSync(file, join(cwd, 'events.1'));
  await service.create();
  await eventually(() => expect(linesOf(file)).toHaveLength(1));
  renameSync(file, join(cwd, 'events.2'));
  service.child.kill('SIGHUP');
  await service.create();
  await eventually(() => expect(linesOf(file)).toHaveLength(1));
  expect(await stop(service)).toMatchObject({ code: 0 });

  const again = await started(['--events-log', 'events.log'], cwd);
  await again.create();
  const events = await allEvents(again.url, again.key);
  await eventually(() => expect(linesOf(file)).toHaveLength(2));
  const lines = ['events.1', 'events.2', 'events.log'].flatMap((name) => linesOf(join(cwd, name)));
  expect(byChain(lines)).toEqual(byChain(events));
});

test('--events-log that cannot be written holds up nothing, says so once, and catches up', async () => {
  const cwd = newFolder();
  const service = await started(['--events-log', 'missing/events.log'], cwd);
  for (let i = 0; i < 3; i++) expect((await service.create()).status).toBe(201);
  await service.shows(/the log of events cannot be written/);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(service.stderr().match(/cannot be written/g)).toHaveLength(1);
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(cwd, 'missing'));
  await service.shows(/the log of events is written again/);
  const events = await allEvents(service.url, service.key);
  const file = join(cwd, 'missing/events.log');
  await eventually(() => expect(byChain(linesOf(file))).toEqual(byChain(events)));
});

test('--events-log ends a line that a crash left unfinished, and repeats rather than loses', async () => {
  const cwd = newFolder();
  const file = join(cwd, 'events.log');
  writeFileSync(file, '{"half');
  const service = await started(['--events-log', 'events.log'], cwd);
  const events = await allEvents(service.url, service.key);
  await eventually(() => {
    const [half, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(half).toBe('{"half');
    expect(byChain(lines.map((line) => JSON.parse(line)))).toEqual(byChain(events));
  });
});

test('--events-log - leaves standard output to the events', async () => {
  const cwd = newFolder();
  const running = start(['serve', '--listen', '127.0.0.1:0', '--events-log', '-'], { cwd });
  await running.shows(/ready at/);
  await running.shows(/key\.created/);
  running.child.kill('SIGTERM');
  const { stdout } = await running.ended;
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ type }) => type).sort()).toEqual([
    'installation.created',
    'key.created',
    'workspace.created',
  ]);
});

test('a service killed at any moment leaves chains that hold, and a log that misses nothing', async () => {
  const cwd = newFolder();
  for (let round = 0; round < 5; round++) {
    const service = await started(['--events-log', 'events.log'], cwd);
    const creating = Array.from({ length: 60 }, () => service.create().catch(() => null));
    setTimeout(() => service.child.kill('SIGKILL'), 100 + round * 130);
    await service.ended;
    await Promise.all(creating);
    const { code, stdout, stderr } = await run(['events', 'verify'], { cwd });
    expect(`${stdout}${stderr}`).toMatch(/ hold/);
    expect(code).toBe(0);
  }
  const last = await started(['--events-log', 'events.log'], cwd);
  const exported = await eventually(async () => {
    const { stdout } = await run(['events', 'export', '--type', 'key.created'], last);
    const ids = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(ids.every(({ number }) => number !== null)).toBe(true);
    return ids.map(({ id }) => id);
  });
  await eventually(() => {
    const logged = new Set(linesOf(join(cwd, 'events.log')).map(({ id }) => id));
    expect(exported.filter((id) => !logged.has(id))).toEqual([]);
  });
});

test('--events-retention removes sealed events that are older, and what is left still holds', async () => {
  const cwd = newFolder();
  const service = await started(['--events-retention', '1s'], cwd);
  await service.create();
  await allEvents(service.url, service.key);
  await stop(service);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const again = await started(['--events-retention', '1s'], cwd);
  await eventually(async () => {
    const { body } = await call(again.url, again.key, 'GET', '/v1/events');
    expect(body.data).toEqual([]);
  });
  const { code, stdout } = await run(['events', 'verify'], { cwd });
  expect(stdout).toMatch(/older events pruned before them/);
  expect(code).toBe(0);
});
