// The supervisor of several workers: it holds the listeners and no traffic, writes
// the file, counts windows and does what has to be done beside the calls. A SIGHUP
// puts a new worker in the place of each.

import type { Log, ProcessFigures, Supervision, ToldMetric, Warder } from '@warder/server';
import type { GatewayAddress } from '../parse.ts';
import { freeGatewayAddress } from './listeners.ts';
import type { Service } from './service.ts';
import { openWorkerPool } from './worker-pool.ts';
import { type Attend, type ServingWorker, type Spawning, spawnWorker } from './worker-process.ts';

export interface SupervisorParts {
  /** How many workers there are. */
  readonly count: number;
  readonly spawning: Spawning;
  readonly supervision: Supervision;
  /** Serves nobody: it keeps what there is. */
  readonly warder: Warder;
  readonly gateway: GatewayAddress | null;
  readonly log: Log;
}

/** Leaves to a Unix socket's owner and group what listen.ts leaves them: node:cluster opens it here. */
const SOCKET_MASK = 0o117;

/** @throws Failure, or WorkerRefused where the first worker said why it cannot start */
export async function openSupervisor(parts: SupervisorParts): Promise<Service> {
  const { count, spawning, supervision, warder, gateway, log } = parts;
  const close = async () => {
    supervision.close();
    await warder.close();
  };
  const attend: Attend = (channel, mine) => supervision.attend(channel, warder.limits, mine);
  const workers = new Set<ServingWorker>();
  const spawn = () => {
    const worker = spawnWorker(spawning, attend, () => figuresOfAll(warder, workers));
    workers.add(worker);
    void worker.ended.then(() => workers.delete(worker));
    return worker;
  };
  try {
    if (gateway !== null && 'path' in gateway) {
      await freeGatewayAddress(gateway.path);
      process.umask(SOCKET_MASK);
    }
    const pool = openWorkerPool(count, spawn, log);
    const listening = await pool.started;
    process.on('SIGHUP', () => pool.reload());
    return {
      listening,
      failed: pool.failed,
      async drain() {
        if (!(await pool.stop())) log.error('workers that took too long to stop were killed');
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of whoever tells them in time: one that is about to end may not. */
async function figuresOfAll(
  warder: Warder,
  workers: ReadonlySet<ServingWorker>,
): Promise<readonly ProcessFigures[]> {
  const of = async (process: string, told: Promise<readonly ToldMetric[]>) => {
    return { process, metrics: await told };
  };
  const asked = await Promise.allSettled([
    of('supervisor', warder.figures()),
    ...Array.from(workers, (worker) => of(String(worker.pid), worker.figures())),
  ]);
  return asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
