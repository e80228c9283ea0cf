// A service in a process of its own, started on a folder: its address and first
// key, what it says, how it ends. A kill plan makes it end at a chosen point.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a service dies of itself. */
export interface KillPlan {
  /**
   * `statement`: before the nth statement inside a transaction, its COMMIT included.
   * `commit`: while the nth COMMIT runs. `committed`: between the nth COMMIT and any reply.
   */
  readonly kind: 'statement' | 'commit' | 'committed';
  readonly at: number;
  /** How far into a COMMIT, in turns of a loop. */
  readonly spins: number;
  /** Counts from the very start of the process, not only once it is armed. */
  readonly fromStart?: boolean;
}

/** What a service wrote down before it died. */
export interface KillRecord {
  readonly kind: KillPlan['kind'];
  /** Whether a commit was open: begun, and not yet answered by SQLite. */
  readonly open: boolean;
  readonly where: string;
}

export interface Service {
  readonly child: ChildProcess;
  readonly data: string;
  /** `http://127.0.0.1:<port>`, once it listens. @throws when it ends before that */
  readonly url: Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** The key of the instance. */
  firstKey(): string;
  /** Makes its plan count from now on. */
  arm(): void;
  /** All it printed. */
  said(): string;
  /** What it died of by its plan, or null. */
  record(): KillRecord | null;
}

/** Added to the record once the COMMIT to be hit has returned. */
export const RETURNED = ' returned ';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const children = new Set<ChildProcess>();

export function startService(
  data: string,
  plan: KillPlan | null = null,
  flags: readonly string[] = [],
): Service {
  const record = `${data}.killed`;
  rmSync(record, { force: true });
  const child = spawn(
    process.execPath,
    [
      '--conditions=warder-source',
      ...(plan ? ['--import', here('crash-preload.ts')] : []),
      here('../../packages/cli/src/main.ts'),
      ...['serve', '--listen', '127.0.0.1:0', '--data', data, '--log-level', 'warn', ...flags],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...(plan ? { WARDER_KILL_PLAN: JSON.stringify({ ...plan, record }) } : {}),
      },
    },
  );
  children.add(child);
  let said = '';
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    }),
  );
  const url = new Promise<string>((resolve, reject) => {
    const listen = (text: string) => {
      said += text;
      const [found] = /https?:\/\/127\.0\.0\.1:\d+(?=\D)/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    void ended.then(({ code, signal }) =>
      reject(new Error(`the service ended (${signal ?? code}) before it listened:\n${said}`)),
    );
  });
  // Whoever waits for it hears of it; nobody has to.
  url.catch(() => {});
  return {
    child,
    data,
    url,
    ended,
    firstKey: () => readFileSync(join(data, 'first-key'), 'utf8').trim(),
    arm: () => void (plan && child.kill('SIGUSR2')),
    said: () => said,
    record: () => recordIn(existsSync(record) ? readFileSync(record, 'utf8') : ''),
  };
}

function recordIn(text: string): KillRecord | null {
  if (!text.includes('{')) return null;
  const record: KillRecord = JSON.parse(text.replace(RETURNED, ''));
  return text.includes(RETURNED) ? { ...record, open: false, where: 'after COMMIT' } : record;
}

/** Stops a service as an operator does, and waits for its end. */
export async function stopService(service: Service) {
  service.child.kill('SIGTERM');
  return await service.ended;
}

/** Ends every service that a failed test left behind. */
export async function killServices(): Promise<void> {
  const ends = [...children].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ends);
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
