// `--watch` on a real terminal, and where there is none.

import { expect, test, vi } from 'vitest';
import { newInstallation } from './fixtures/installation.ts';
import { PROGRAM, run, startAny } from './fixtures/program.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

test('what is watched is drawn anew until it is interrupted', async () => {
  const { cwd, service } = await newInstallation();
  const words = [process.execPath, ...PROGRAM, 'keys', 'list', '--watch'];
  const command = words.map((word) => `'${word}'`).join(' ');
  const env = { WARDER_URL: service.url };
  const watching = startAny('script', ['-qefc', command, '/dev/null'], { cwd, env });
  await watching.shows(/First key/);
  const { id } = await service.create('seen live');
  // A second drawing, over the first.
  await watching.shows(/\[H.\[J[^[]*seen live/);
  await service.ask('POST', `/v1/keys/${id}/revoke`);
  await watching.shows(/seen live +standard +revoked/);
  watching.child.kill('SIGTERM');
  await watching.ended;
});

test('nobody watches in a pipe or in JSON', async () => {
  const { cwd, service } = await newInstallation();
  const env = { WARDER_URL: service.url };
  const { code, stderr } = await run(['keys', 'list', '--watch'], { cwd, env });
  expect([code, stderr]).toEqual([2, '--watch is for people at a terminal.\n']);
});
