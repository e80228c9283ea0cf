// The load on several processes while things go wrong: verifications of every kind of key at a
// steady pace, whether or not earlier ones were answered, and changes by several writers. All
// it is told goes to the checker; how long nothing was answered is measured on the way.

import type { Answer, ServeProcess } from './fault-process.ts';
import type { CheckedKey, KeyChange, Outcome, VerdictChecker } from './verdict-checker.ts';

export interface FaultLoad {
  /** The longest time without any verdict, and without any change that was acknowledged, since the last call. */
  takeGaps(): { readonly verdicts: number; readonly changes: number };
  /** How many keys were used until their limit or their credits refused as often again. */
  usedUp(): number;
  /** Asks each process for what it is there for; rejects where one of them cannot do it. */
  probe(): Promise<void>;
  /** Ends it; resolves once everything was answered or given up. */
  stop(): Promise<void>;
}

const PACE_MILLISECONDS = 10;
/** Verifications under way at one process: beyond the first number only where it is not just busy, beyond the second none. */
const FEW = 6;
const MANY = 300;
/** A process that answers is busy where answers take longer; one that answers nothing for so long is stuck. */
const SLOW_MILLISECONDS = 60;
const STUCK_MILLISECONDS = 500;
const WRITERS_EACH = 2;
/** How many keys there are that may be changed, and that have an allowance. */
const LIVE_KEYS = 80;
const METERED_KEYS = 4;
/** Changed last, some seconds of them: who missed a change is asked again and again. */
const RECENT_KEYS = 300;
const CHANGE_PAUSE_MILLISECONDS = 80;

/** @param seed of what is chosen */
export function startLoad(
  processes: readonly ServeProcess[],
  checker: VerdictChecker,
  random: () => number,
): FaultLoad {
  const one = <Value>(values: readonly Value[]): Value | undefined =>
    values[Math.floor(random() * values.length)];
  /** Keys that nobody changes now, by whether they are enabled. */
  const enabled: CheckedKey[] = [];
  const disabled: CheckedKey[] = [];
  const metered: CheckedKey[] = [];
  /** Changed last, or being changed. */
  const recent: CheckedKey[] = [];
  let over = false;
  let usedUp = 0;
  const verdicts = createGap();
  const changes = createGap();
  const lines = new Map(processes.map((process) => [process, newLine()]));
  const pending = new Set<Promise<unknown>>();

  const chosen = (): CheckedKey | undefined => {
    const draw = random();
    if (draw < 0.4) return one(recent) ?? one(enabled);
    return draw < 0.8 ? one(enabled) : one(metered);
  };

  /** Answers whether there was a verdict. */
  const verify = async (process: ServeProcess, key: CheckedKey): Promise<boolean> => {
    const started = performance.now();
    const { status, body } = await process.call('POST', '/v1/keys/verify', { key: key.secret });
    if (status !== 200) {
      if (status < 500) throw new Error(`a verification was answered ${status}`);
      return false;
    }
    checker.judge(key, { process: process.name, code: String(body.code), started });
    verdicts.happened();
    if (key.allowance !== null && key.refused > key.allowance && remove(metered, key)) usedUp++;
    return true;
  };

  const lineOf = (process: ServeProcess): Line => {
    const line = lines.get(process);
    if (line === undefined) throw new RangeError(`${process.name} is not known`);
    return line;
  };

  const ask = (process: ServeProcess, key: CheckedKey) => {
    const line = lineOf(process);
    if (isFull(line)) return;
    line.underWay++;
    const started = performance.now();
    const verifying = verify(process, key)
      .then(
        (isVerdict) => {
          if (!isVerdict) return;
          line.answeredAt = performance.now();
          line.took = line.answeredAt - started;
        },
        () => {},
      )
      .finally(() => {
        line.underWay--;
        pending.delete(verifying);
      });
    pending.add(verifying);
  };

  let turn = 0;
  const beat = () => {
    turn++;
    for (const process of processes) {
      if (lineOf(process).underWay >= FEW && turn % 2 !== 0) continue;
      const key = chosen();
      if (key !== undefined) ask(process, key);
    }
  };

  const make = async (process: ServeProcess, kind: 'plain' | 'limited' | 'credits') => {
    const allowance = kind === 'plain' ? null : 20 + Math.floor(random() * 80);
    const limits = [{ name: 'hour', limit: allowance, window_seconds: 36_000 }];
    const rest = { plain: {}, limited: { limits }, credits: { credits: { remaining: allowance } } };
    const { status, body } = await process.call('POST', '/v1/keys', rest[kind]);
    if (status !== 201) return false;
    const key = checker.made(String(body.id), String(body.key), allowance);
    (kind === 'plain' ? enabled : metered).push(key);
    changes.happened();
    if (kind === 'plain') for (const each of processes) ask(each, key);
    return true;
  };

  const change = async (process: ServeProcess, key: CheckedKey, what: KeyChange) => {
    remove(enabled, key);
    remove(disabled, key);
    recent.push(key);
    if (recent.length > RECENT_KEYS) recent.shift();
    const became = checker.asks(key, what);
    const outcome = await process
      .call('POST', `/v1/keys/${key.id}/${what}`)
      .then(outcomeOf, () => 'unknown' as const);
    became(outcome);
    if (what !== 'revoke') (what === 'enable' ? enabled : disabled).push(key);
    if (outcome !== 'done') return false;
    changes.happened();
    // Now it counts how soon the others know.
    for (const each of processes) ask(each, key);
    return true;
  };

  const write = async (process: ServeProcess): Promise<boolean> => {
    if (metered.length < METERED_KEYS) return make(process, random() < 0.5 ? 'limited' : 'credits');
    // The oldest, which all know.
    const [key] = enabled;
    if (key === undefined || enabled.length + disabled.length < LIVE_KEYS) {
      return make(process, 'plain');
    }
    const hidden = one(disabled);
    if (hidden !== undefined && random() < 0.3) return change(process, hidden, 'enable');
    return change(process, key, random() < 0.6 ? 'revoke' : 'disable');
  };

  const writer = async (process: ServeProcess) => {
    while (!over) {
      await write(process).catch(() => false);
      await new Promise((resolve) => setTimeout(resolve, CHANGE_PAUSE_MILLISECONDS));
    }
  };

  const timer = setInterval(beat, PACE_MILLISECONDS);
  const writers = Array.from({ length: WRITERS_EACH }, () => processes.map(writer)).flat();
  return {
    takeGaps: () => ({ verdicts: verdicts.take(), changes: changes.take() }),
    usedUp: () => usedUp,
    async probe() {
      for (const process of processes) {
        const { status, body } = await process.call('POST', '/v1/keys', {});
        if (status !== 201) throw new Error(`${process.name} answers ${status} to a new key`);
        const key = checker.made(String(body.id), String(body.key), null);
        const started = performance.now();
        const verdict = await process.call('POST', '/v1/keys/verify', { key: key.secret });
        if (verdict.status !== 200) throw new Error(`${process.name} gives no verdict`);
        checker.judge(key, { process: process.name, code: String(verdict.body.code), started });
        const became = checker.asks(key, 'revoke');
        const revoked = await process.call('POST', `/v1/keys/${key.id}/revoke`);
        became(outcomeOf(revoked));
        if (revoked.status !== 200) throw new Error(`${process.name} revokes nothing`);
      }
    },
    async stop() {
      over = true;
      clearInterval(timer);
      await Promise.all([...writers, ...pending]);
    },
  };
}

/** What is under way at one process, and how it answered last. */
interface Line {
  underWay: number;
  answeredAt: number;
  took: number;
}

function newLine(): Line {
  return { underWay: 0, answeredAt: performance.now(), took: 0 };
}

function isFull({ underWay, answeredAt, took }: Line): boolean {
  if (underWay < FEW) return false;
  const isBusy = took > SLOW_MILLISECONDS && performance.now() - answeredAt < STUCK_MILLISECONDS;
  return isBusy || underWay >= MANY;
}

/** What a reply says of a change: an error of the service may come after it was done. */
function outcomeOf({ status }: Answer): Outcome {
  if (status < 300) return 'done';
  return status < 500 ? 'refused' : 'unknown';
}

/** The longest time in which something did not happen. */
function createGap() {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    longest = Math.max(longest, performance.now() - last);
  };
  return {
    happened() {
      look();
      last = performance.now();
    },
    take() {
      look();
      const found = longest;
      longest = 0;
      return found;
    },
  };
}

/** Answers whether it was there. */
function remove<Value>(from: Value[], value: Value): boolean {
  const at = from.indexOf(value);
  if (at >= 0) from.splice(at, 1);
  return at >= 0;
}
