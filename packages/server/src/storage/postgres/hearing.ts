// How sure a process is of what is in its memory, decided from what it hears and from
// nothing else. No socket, no timer, no clock of its own: feed.ts brings those, and the
// model of tests/model/ brings worse ones.

import type { Heard, Receipt } from '@warder/core';
import { type Message, readMessage, written } from './messages.ts';

/** Up to which age memory is believed without a read. */
export const TRUSTED_MILLISECONDS = 2_000;
/** How often a process says that it is there. */
export const BEAT_MILLISECONDS = 250;
/** After which a process that says nothing is passed on to those that may never have heard it. */
const SILENT_MILLISECONDS = 1_000;
/** How long a receipt is waited for at most. */
export const RECEIPT_MILLISECONDS = 10_000;

/** Milliseconds by two clocks: one that follows the world and may leap, one that only goes on. */
export interface Clocks {
  wall(): number;
  steady(): number;
}

export interface HearingParts {
  /** Names this process among those of the store, for as long as it runs. */
  readonly process: string;
  /** For how long after a certainty this process may answer from memory. */
  readonly lease: number;
  readonly clocks: Clocks;
  /** Told of what may have changed, in the order of commits. */
  readonly heard: (change: Heard) => void;
  /** Sends to every process, this one too, over the connection that it hears by. */
  readonly send: (message: string) => void;
}

/** A moment by both clocks. */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

interface Barrier {
  readonly number: number;
  readonly askedAt: number;
  /**
   * Who has to obey, and when each does by its own rule at the latest: whoever is sure of anything
   * later has heard what came before. Null until it came back: only then all are known.
   */
  awaited: Map<string, number> | null;
  of: number;
  readonly resolve: (receipt: Receipt) => void;
}

export type Hearing = ReturnType<typeof createHearing>;

export function createHearing({ process, lease, clocks, heard, send }: HearingParts) {
  /** Up to which moment it is certain that all that was committed was heard. */
  let certain: Moment | null = null;
  let isConnected = false;
  /** Whether the connection that there is has proved itself yet. */
  let isProved = false;
  let beats = 0;
  /** Heartbeats that were sent over this connection and have not come back. */
  const sent = new Map<number, Moment>();
  /** Until when, by the steady clock, others may answer from memory, and when they were last heard. */
  const others = new Map<string, { until: number; heardAt: number | null }>();
  const barriers = new Map<number, Barrier>();
  let asked = 0;

  const now = (): Moment => ({ wall: clocks.wall(), steady: clocks.steady() });
  const say = (message: Message) => send(written(message));

  const age = (): number =>
    certain === null
      ? Number.POSITIVE_INFINITY
      : Math.max(clocks.wall() - certain.wall, clocks.steady() - certain.steady, 0);

  /** Its own heartbeat came back: all that was committed before it was sent has been heard before. */
  const prove = (number: number) => {
    const at = sent.get(number);
    if (at === undefined) return;
    for (const earlier of sent.keys()) if (earlier <= number) sent.delete(earlier);
    if (!isProved) {
      // What changed while nobody listened, nobody told.
      isProved = true;
      heard(EVERYTHING);
    }
    certain = at;
  };

  const note = (other: string, until: number, heardAt: number | null) => {
    const known = others.get(other);
    others.set(other, {
      until: Math.max(until, known?.until ?? 0),
      heardAt: heardAt ?? known?.heardAt ?? null,
    });
  };

  const release = (other: string) => {
    others.delete(other);
    for (const barrier of barriers.values()) barrier.awaited?.delete(other);
  };

  /** Lets go of processes that may not answer from memory any more, and of receipts that are whole. */
  const settle = () => {
    const at = clocks.steady();
    for (const [other, { until }] of others) if (at > until) others.delete(other);
    for (const barrier of barriers.values()) {
      const { awaited, number, askedAt, of } = barrier;
      awaited?.forEach((until, other) => {
        if (at > until) awaited.delete(other);
      });
      const isLate = at - askedAt >= RECEIPT_MILLISECONDS;
      if (awaited?.size !== 0 && !isLate) continue;
      barriers.delete(number);
      // Where it did not come back nobody is known to obey, but this process, which wrote it.
      const all = awaited === null ? others.size + 1 : of;
      const missing = awaited === null ? others.size : awaited.size;
      const obeyedBy = all - missing;
      barrier.resolve({ obeyedBy, of: all, afterMilliseconds: Math.round(at - askedAt) });
    }
  };

  const hear = (message: Message) => {
    switch (message.type) {
      case 'changes':
        message.changes.forEach(heard);
        return;
      case 'heartbeat': {
        if (message.process === process) return prove(message.number);
        const at = clocks.steady();
        note(message.process, at + message.lease, at);
        for (const [other, left] of message.silent) {
          if (other !== process) note(other, at + left, null);
        }
        return;
      }
      case 'barrier': {
        const { process: asker, number } = message;
        if (asker !== process) return say({ type: 'obeyed', process, asker, number });
        const barrier = barriers.get(number);
        if (barrier === undefined || barrier.awaited !== null) return;
        barrier.awaited = new Map([...others].map(([other, { until }]) => [other, until]));
        barrier.of = others.size + 1;
        return settle();
      }
      case 'obeyed':
        if (message.asker !== process) return;
        // Whoever says so of this one has heard the earlier ones too.
        for (const { number, awaited } of barriers.values()) {
          if (number <= message.number) awaited?.delete(message.process);
        }
        return settle();
      case 'farewell':
        release(message.process);
        return settle();
    }
  };

  return {
    age,
    get isConnected() {
      return isConnected;
    },
    /** Listening began on a new connection: what was sent over the one before is not waited for. */
    connected(): void {
      isConnected = true;
      isProved = false;
      sent.clear();
      for (const { awaited, number } of barriers.values()) {
        if (awaited === null) say({ type: 'barrier', process, number });
      }
    },
    /** The connection is gone, or given up. What is known stays, and grows old. */
    lost(): void {
      isConnected = false;
      sent.clear();
    },
    received: (text: string): void => hear(readMessage(text)),
    /** What is due every `BEAT_MILLISECONDS`. */
    tick(): void {
      settle();
      if (!isConnected) return;
      const at = now();
      const silent = [...others].flatMap(([other, { until, heardAt }]) =>
        heardAt !== null && at.steady - heardAt > SILENT_MILLISECONDS
          ? [[other, Math.ceil(until - at.steady)] as const]
          : [],
      );
      beats++;
      // Before it is sent: all that was committed by now is in front of it.
      sent.set(beats, at);
      say({ type: 'heartbeat', process, number: beats, lease, silent });
    },
    /** Heartbeats of this connection that have not come back: in ticks, not in time, for a process that stood still. */
    unanswered: (): number => sent.size,
    /** Asks who obeys all that was committed before. */
    obeyed(): Promise<Receipt> {
      return new Promise((resolve) => {
        const number = ++asked;
        const askedAt = clocks.steady();
        barriers.set(number, { number, askedAt, awaited: null, of: 0, resolve });
        if (isConnected) say({ type: 'barrier', process, number });
      });
    },
    /** This process answers nothing from memory any more. */
    farewell(): void {
      certain = null;
      if (isConnected) say({ type: 'farewell', process });
      isConnected = false;
    },
  };
}

const EVERYTHING: Heard = { type: 'everything' };
