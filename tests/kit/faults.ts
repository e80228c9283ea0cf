// What can go wrong with an installation, each as it begins and as it ends: processes that
// die or stand still, servers, networks, clocks and disks that do the like.

import type { ServeProcess } from './fault-process.ts';
import type { FaultRig, Link } from './fault-rig.ts';
import type { PostgresServer } from './servers.ts';

export interface Fault {
  /** As the page of results has it. */
  readonly name: string;
  /** What it happens to: of several that happen at once, each has another. */
  readonly part: 'process' | 'database' | 'failover' | 'redis' | 'network' | 'clock' | 'disk';
  /** For how long it lasts. */
  readonly milliseconds: number;
  begin(rig: FaultRig, turn: number): unknown;
  end?(rig: FaultRig, turn: number): unknown;
  /** What is put back in order once all is well again. */
  after?(rig: FaultRig): unknown;
  /** Whether it can be done here; it can unless given. */
  isPossible?(rig: FaultRig): boolean;
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const processOf = ({ processes }: FaultRig, turn: number) => {
  const process = processes[turn % processes.length];
  if (process === undefined) throw new RangeError('there are processes');
  return process;
};

const inService = ({ url }: PostgresServer) => url.replace('/postgres?', '/service?');

const proxiesOf = ({ asking, hearing }: Link) => [...asking, ...hearing];

const heal = ({ links }: FaultRig) => {
  for (const proxy of links.flatMap(proxiesOf)) {
    const wasDamaged = proxy.swallows;
    proxy.swallows = false;
    proxy.delay = 0;
    if (wasDamaged) proxy.cut();
  }
};

/** As an operator does it whose server may have ended by itself. */
async function bringBack(server: PostgresServer): Promise<void> {
  let isOver = false;
  const gone = server.ended().then(() => !isOver);
  const answers = async () => {
    while (!isOver) {
      const isThere = await server.execute('SELECT 1').then(
        () => true,
        () => false,
      );
      if (isThere) return false;
      await sleep(100);
    }
    return false;
  };
  const isGone = await Promise.race([gone, answers()]);
  isOver = true;
  if (isGone) await server.start();
}

/** As whatever keeps it running does, until what it starts with is there. */
async function startAgain(process: ServeProcess): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    try {
      return await process.start();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(200);
    }
  }
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'a process is killed',
    part: 'process',
    milliseconds: 500,
    begin: (rig, turn) => processOf(rig, turn).kill(),
    end: (rig, turn) => startAgain(processOf(rig, turn)),
  },
  {
    name: 'a process stands still',
    part: 'process',
    milliseconds: 8_000,
    begin: (rig, turn) => processOf(rig, turn).signal('SIGSTOP'),
    end: (rig, turn) => processOf(rig, turn).signal('SIGCONT'),
  },
  {
    name: 'PostgreSQL is killed',
    part: 'database',
    milliseconds: 1_000,
    async begin(rig) {
      rig.primary().signal('SIGKILL');
      await rig.primary().ended();
    },
    end: (rig) => rig.primary().start(),
  },
  {
    name: 'PostgreSQL stands still',
    part: 'database',
    milliseconds: 6_500,
    begin: (rig) => rig.primary().freeze(),
    end: (rig) => rig.primary().thaw(),
  },
  {
    name: 'Redis is killed',
    part: 'redis',
    milliseconds: 1_000,
    begin: (rig) => rig.redis.kill(),
    end: (rig) => rig.redis.start(),
  },
  {
    name: 'Redis stands still',
    part: 'redis',
    milliseconds: 2_000,
    begin: (rig) => rig.redis.signal('SIGSTOP'),
    end: (rig) => rig.redis.signal('SIGCONT'),
  },
  {
    name: "the feed's connections are ended",
    part: 'database',
    milliseconds: 500,
    begin: (rig) =>
      rig
        .primary()
        .execute(
          `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'warder feed %'`,
        ),
  },
  {
    name: "the feed's connections swallow what is sent",
    part: 'network',
    milliseconds: 4_500,
    begin({ links }) {
      for (const proxy of links.flatMap(({ hearing }) => hearing)) proxy.loseThese();
    },
    end({ links }) {
      for (const proxy of links.flatMap(({ hearing }) => hearing)) proxy.cut();
    },
  },
  {
    name: 'the network to PostgreSQL swallows everything',
    part: 'network',
    milliseconds: 6_500,
    begin({ links }) {
      for (const proxy of links.flatMap(proxiesOf)) proxy.swallows = true;
    },
    end: heal,
  },
  {
    name: 'the network of one process swallows everything',
    part: 'network',
    milliseconds: 8_000,
    begin({ links }, turn) {
      for (const proxy of links
        .slice(turn % links.length)
        .slice(0, 1)
        .flatMap(proxiesOf)) {
        proxy.swallows = true;
      }
    },
    end: heal,
  },
  {
    name: 'PostgreSQL is slow',
    part: 'network',
    milliseconds: 4_000,
    begin({ links }, turn) {
      // A round trip takes twice as much; the last is longer than any read may take.
      const delay = [100, 300, 600][turn % 3] ?? 0;
      for (const proxy of links.flatMap(proxiesOf)) proxy.delay = delay;
    },
    end: heal,
  },
  {
    name: 'the pools are exhausted',
    part: 'database',
    milliseconds: 4_000,
    async begin(rig) {
      const server = rig.primary();
      const hold = 'BEGIN; LOCK TABLE warder.keys IN EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT';
      void server.execute(hold, inService(server)).catch(() => {});
      for (const process of rig.processes) {
        for (let i = 0; i < 40; i++) void process.call('POST', '/v1/keys', {}).catch(() => {});
      }
    },
  },
  {
    name: 'PgBouncer is killed',
    part: 'network',
    milliseconds: 1_000,
    isPossible: ({ poolers }) => poolers.length > 0,
    begin: ({ poolers }) => Promise.all(poolers.map((one) => one.kill())),
    end: ({ poolers }) => Promise.all(poolers.map((one) => one.start())),
  },
  {
    name: 'a clock moves by five minutes',
    part: 'clock',
    milliseconds: 3_500,
    isPossible: ({ moveClock }) => moveClock !== null,
    begin: (rig, turn) => rig.moveClock?.(turn % 2 === 0 ? 300_000 : -300_000),
    end: (rig) => rig.moveClock?.(0),
  },
  {
    name: 'the disk of PostgreSQL is full',
    part: 'disk',
    milliseconds: 2_500,
    isPossible: (rig) => rig.disk() !== null,
    async begin(rig, turn) {
      rig.disk()?.fill();
      // Every other time its log has no room either, and it ends.
      for (let i = 0; turn % 2 === 0 && i < 12; i++) {
        await rig
          .primary()
          .execute('SELECT pg_switch_wal(), txid_current()')
          .catch(() => {});
      }
    },
    async end(rig) {
      rig.disk()?.free();
      await bringBack(rig.primary());
    },
  },
  {
    name: 'the primary dies and the standby takes over',
    part: 'failover',
    milliseconds: 300,
    async begin(rig) {
      rig.primary().signal('SIGKILL');
      await rig.primary().ended();
    },
    end: (rig) => rig.promote(),
    after: (rig) => rig.replace(),
  },
  {
    name: 'the standby takes over and the primary wakes up',
    part: 'failover',
    milliseconds: 3_500,
    async begin(rig) {
      rig.primary().freeze();
      await rig.promote();
    },
    async end(rig) {
      // Nobody has told it, and it accepts whoever connects.
      const former = rig.standby();
      former.thaw();
      await sleep(3_000);
      former.signal('SIGKILL');
      await former.ended();
    },
    after: (rig) => rig.replace(),
  },
];

/** Three of them at once, each of another part, begun one shortly after the other. */
export function mixed(random: () => number): Fault {
  let chosen: readonly (readonly [Fault, number])[] = [];
  const each = async (what: 'begin' | 'end', rig: FaultRig) => {
    // A process is started once what it starts with is there.
    const isLast = ([{ part }]: (typeof chosen)[number]) => Number(part === 'process');
    const order = what === 'begin' ? chosen : chosen.toSorted((a, b) => isLast(a) - isLast(b));
    for (const [fault, turn] of order) {
      await fault[what]?.(rig, turn);
      await sleep(200 * random());
    }
  };
  return {
    name: 'three of these at once',
    part: 'process',
    milliseconds: 4_000,
    begin(rig) {
      const parts = ['process', 'database', 'redis', 'network', 'clock'] as const;
      const some = parts
        .map((part) => ({ part, place: random() }))
        .sort((a, b) => a.place - b.place)
        .slice(0, 3)
        .map(({ part }) => part);
      chosen = some.flatMap((part) => {
        const possible = FAULTS.filter(
          (fault) => fault.part === part && (fault.isPossible?.(rig) ?? true),
        );
        const fault = possible[Math.floor(random() * possible.length)];
        return fault === undefined ? [] : [[fault, Math.floor(random() * 6)] as const];
      });
      return each('begin', rig);
    },
    end: (rig) => each('end', rig),
  };
}
