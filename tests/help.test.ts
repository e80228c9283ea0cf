// The help of every command ends with examples, and each of them does what it says when it is pasted
// into a shell beside a running service.

import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { EXAMPLES } from '../packages/cli/src/examples.ts';
import { Output } from '../packages/cli/src/output.ts';
import { createProgram } from '../packages/cli/src/program.ts';
import { done, newInstallation, type Service } from './fixtures/installation.ts';
import { newFolder, PROGRAM, run, start, startAny } from './fixtures/program.ts';
import { startPostgres } from './kit/servers.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

/** The paths of all commands that do something, as `warder keys list`. */
function commandsOf(command: Command, path: string): string[] {
  if (command.commands.length === 0) return [path];
  return command.commands.flatMap((one) => commandsOf(one, `${path} ${one.name()}`));
}
const COMMANDS = commandsOf(createProgram(new Output(false)), 'warder');
/** Those that run until they are ended, and what they show by then. */
const ENDLESS: Readonly<Record<string, RegExp>> = {
  'warder serve': /ready at/,
  'warder events follow': /key\.created/,
};
/** Those that need the data folder for themselves. */
const ALONE = ['warder restore'];
/** What leaves the data folder for a database elsewhere. */
const MOVING = ['warder copy'];

const warder = `warder() { ${[process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ')} "$@"; }`;

test('every command has one or two examples, at the end of its help', async () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual([...COMMANDS].sort());
  const cwd = newFolder();
  const helps = COMMANDS.map((path) => path.split(' ').slice(1));
  for (const words of helps) {
    const { stdout } = await run([...words, '--help'], { cwd });
    const path = ['warder', ...words].join(' ');
    const examples = EXAMPLES[path] ?? [];
    expect(examples.length).toBeLessThanOrEqual(2);
    expect(stdout.endsWith(`\nExamples:\n  ${examples.join('\n  ')}\n`), path).toBe(true);
  }
});

test('every example works when it is pasted', async () => {
  const { cwd, service } = await newInstallation();
  await prepare(service, cwd);
  for (const [path, examples] of Object.entries(EXAMPLES)) {
    for (const example of examples) {
      if (ENDLESS[path] || ALONE.includes(path) || MOVING.includes(path)) continue;
      const ids = await newIds(service);
      const text = example
        .replaceAll('KEY_ID', ids.key)
        .replaceAll('WORKSPACE_ID', ids.workspace)
        .replaceAll('MEMBER_ID', ids.member);
      const script = `set -eo pipefail\n${warder}\n${text}`;
      const env = { WARDER_URL: service.url };
      const { code, stderr } = await startAny('bash', ['-c', script], { cwd, env }).ended;
      expect(code, `${example}\n${stderr}`).toBe(0);
    }
  }
  await service.exportTo('events.jsonl');
  await service.stop();
  const server = await startPostgres({ fsync: 'off' });
  const env = { DATABASE_URL: server.tcpUrl };
  for (const path of [...ALONE, ...MOVING]) {
    for (const example of EXAMPLES[path] ?? []) {
      const options = MOVING.includes(path) ? { cwd, env } : { cwd };
      const { code, stderr } = await startAny('bash', ['-c', `${warder}\n${example}`], options)
        .ended;
      expect(code, `${example}\n${stderr}`).toBe(0);
    }
  }
  await server.stop();
});

test('every example of what runs until it is ended begins well', async () => {
  const { cwd, service } = await newInstallation();
  for (const [path, shows] of Object.entries(ENDLESS)) {
    for (const example of EXAMPLES[path] ?? []) {
      const words = example.split(' ').slice(1);
      const env = { WARDER_LISTEN: '127.0.0.1:0', WARDER_URL: service.url };
      const running = start(words, { cwd: path === 'warder serve' ? newFolder() : cwd, env });
      await running.shows(shows);
      running.child.kill('SIGTERM');
      await running.ended;
    }
  }
});

/** What examples take to be there. */
async function prepare(service: Service, cwd: string): Promise<void> {
  await service.create('of acme', { owner_id: 'acme' });
  await done(cwd, 'backup', '--out', join(cwd, 'first.backup'));
}

let made = 0;

async function newIds(service: Service) {
  const name = `any ${++made}`;
  const key = await service.create(name, { owner_id: name, credits: { remaining: 1 } });
  const workspace = await service.ask('POST', '/v1/workspaces', { name });
  const who = { issuer: 'https://login.example.com', subject: name, role: 'viewer' };
  const member = await service.ask('POST', '/v1/members', who);
  return { key: key.id, workspace: String(workspace.id), member: String(member.id) };
}
