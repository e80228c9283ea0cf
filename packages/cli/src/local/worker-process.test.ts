// What becomes of a worker that the system does not start, as where it has too many processes.

import cluster from 'node:cluster';
import { createSupervision, NO_WRITING } from '@warder/server';
import { expect, onTestFinished, test } from 'vitest';
import { type Attend, spawnWorker } from './worker-process.ts';

test('a worker that could not be started has ended, so that another takes its place', async () => {
  const supervision = createSupervision(NO_WRITING);
  onTestFinished(supervision.close);
  cluster.setupPrimary({ cwd: '/there/is/no/such/folder' });
  onTestFinished(() => cluster.setupPrimary({ cwd: process.cwd() }));
  const limits = { takeNow: () => null, take: () => Promise.reject(), giveBack() {} };
  const attend: Attend = (channel, mine) => supervision.attend(channel, limits, mine);
  const worker = spawnWorker({ flags: {}, json: false }, attend, async () => []);
  // It was waited for without end, and counted as one that runs.
  expect(await worker.ended).toEqual({ code: null, signal: null });
  expect(await worker.ready).toBeNull();
});
