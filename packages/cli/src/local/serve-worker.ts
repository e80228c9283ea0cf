// The program of a worker: it waits for its supervisor to say with which settings it
// serves, and ends with it. What a signal says to the supervisor it says to all.

import type { Channel } from '@warder/server';
import { openSupervised } from '@warder/server';
import { Failure } from '../failure.ts';
import { Output } from '../output.ts';
import { openWorkerService } from '../serve.ts';
import type { LeaveProcedures, ServiceProcedures } from './worker-process.ts';

/** Longer than the supervisor waits for any of the workers. */
const FIGURES_MILLISECONDS = 4_000;

const channel: Channel = {
  send: (data) => void process.send?.(data, undefined, undefined, () => {}),
  receive: (take) => void process.on('message', take),
};

const { promise: service, resolve: serving } =
  Promise.withResolvers<Awaited<ReturnType<typeof openWorkerService>>>();
let leaving = false;
const leave = async (how: 'retire' | 'drain') => {
  const ending = (await service)[how]();
  if (leaving) return;
  leaving = true;
  await ending;
  await (await service).close();
  // Whatever was on its way here has come once this is answered.
  await supervised.line.ask('leave', null);
  process.exit(0);
};
const end = (how: 'retire' | 'drain') => {
  leave(how).catch(() => process.exit(1));
};

const everyone = () => supervised.line.ask('figures', null, FIGURES_MILLISECONDS);

const mine: ServiceProcedures = {
  async start({ flags, json }) {
    try {
      const opened = await openWorkerService(flags, supervised, everyone);
      serving(opened);
      return opened.listening;
    } catch (error) {
      const internal = `This should not happen: ${error instanceof Error ? error.stack : error}`;
      const failure = error instanceof Failure ? error : new Failure('internal', internal);
      new Output(json).error(failure);
      process.exit(failure.exitCode);
    }
  },
  figures: async () => await (await service).figures(),
  drain: () => end('drain'),
  retire: () => end('retire'),
};
const supervised = openSupervised<LeaveProcedures>(channel, mine);

// A terminal and systemd send them to all processes at once.
process.on('SIGTERM', () => end('drain')).on('SIGINT', () => end('drain'));
process.on('SIGHUP', () => {});
