// How sure a process is of what is in its memory, decided from what it hears and from
// nothing else. No socket, no timer, no clock of its own: feed.ts brings those, and the
// model of tests/model/ brings worse ones.

import type { Heard, Receipt } from '@warder/core';
import { type Message, readMessage, written } from './messages.ts';

/** Up to which age memory is believed without a read. */
export const TRUSTED_MILLISECONDS = 2_000;
/** How often a process says that it is there. */
export const BEAT_MILLISECONDS = 250;
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
   * later has heard what came before. Null until it came back: only then this process knows them.
   */
  awaited: Map<string, number> | null;
  readonly obeying: Set<string>;
  /** Whether somebody answered who knows of all. */
  knowsAll: boolean;
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
  /** Until when, by the steady clock, others that were heard may answer from memory. */
  const others = new Map<string, number>();
  const barriers = new Map<number, Barrier>();
  /** Barriers of others that wait for this process to have proved its connection. */
  let unanswered: Extract<Message, { type: 'barrier' }>[] = [];
  let asked = 0;
  let listeningSince = 0;

  const now = (): Moment => ({ wall: clocks.wall(), steady: clocks.steady() });
  const say = (message: Message) => send(written(message));

  const age = (): number =>
    certain === null
      ? Number.POSITIVE_INFINITY
      : Math.max(clocks.wall() - certain.wall, clocks.steady() - certain.steady, 0);

  /** Whoever was not heard for as long as a lease lasts has none; every process is taken to have one like this one's. */
  const knowsAll = () => isConnected && clocks.steady() - listeningSince >= lease;

  const answer = ({ process: asker, number }: Extract<Message, { type: 'barrier' }>) => {
    const at = clocks.steady();
    const known = [...others].flatMap(([other, until]) =>
      other === asker ? [] : [[other, Math.ceil(until - at)] as const],
    );
    say({ type: 'obeyed', process, asker, number, knowsAll: knowsAll(), others: known });
  };

  /** Its own heartbeat came back: all that was committed before it was sent has been heard before. */
  const prove = (number: number) => {
    const at = sent.get(number);
    if (at === undefined) return;
    for (const earlier of sent.keys()) if (earlier <= number) sent.delete(earlier);
    if (!isProved) {
      // What changed while nobody listened, nobody told.
      isProved = true;
      heard(EVERYTHING);
      for (const barrier of unanswered) answer(barrier);
      unanswered = [];
    }
    certain = at;
    settle();
  };

  /** Lets go of processes that may not answer from memory any more, and of receipts that are whole. */
  const settle = () => {
    const at = clocks.steady();
    for (const [other, until] of others) if (at > until) others.delete(other);
    for (const barrier of barriers.values()) {
      const { awaited, obeying, number, askedAt } = barrier;
      awaited?.forEach((until, other) => {
        if (at > until) obey(barrier, other);
      });
      const isKnown = barrier.knowsAll || knowsAll();
      const isWhole = awaited?.size === 0 && isProved && isKnown;
      if (!isWhole && at - askedAt < RECEIPT_MILLISECONDS) continue;
      barriers.delete(number);
      // Who may not be known counts as one that does not obey.
      const missing = (awaited ?? others).size + (isKnown ? 0 : 1);
      const obeyedBy = obeying.size + 1;
      const afterMilliseconds = Math.round(at - askedAt);
      barrier.resolve({ obeyedBy, of: obeyedBy + missing, afterMilliseconds });
    }
  };

  const obey = ({ awaited, obeying }: Barrier, other: string) => {
    awaited?.delete(other);
    obeying.add(other);
  };

  const hearObeyed = (message: Extract<Message, { type: 'obeyed' }>) => {
    const at = clocks.steady();
    for (const barrier of barriers.values()) {
      // Whoever obeys this one obeys those before. One that is asked again is answered again.
      if (barrier.awaited === null || barrier.number > message.number) continue;
      obey(barrier, message.process);
      for (const [other, left] of message.others) {
        if (other === process || barrier.obeying.has(other)) continue;
        barrier.awaited?.set(other, Math.max(at + left, barrier.awaited.get(other) ?? 0));
      }
      if (message.knowsAll) barrier.knowsAll = true;
    }
    settle();
  };

  const hear = (message: Message) => {
    switch (message.type) {
      case 'changes':
        message.changes.forEach(heard);
        return;
      case 'heartbeat':
        if (message.process === process) prove(message.number);
        else others.set(message.process, clocks.steady() + message.lease);
        return;
      case 'barrier': {
        if (message.process !== process) {
          if (isProved) answer(message);
          else unanswered.push(message);
          return;
        }
        const barrier = barriers.get(message.number);
        if (barrier === undefined || barrier.awaited !== null) return;
        barrier.awaited = new Map(others);
        return settle();
      }
      case 'obeyed':
        if (message.asker === process) hearObeyed(message);
        return;
      case 'farewell':
        others.delete(message.process);
        for (const barrier of barriers.values()) {
          if (barrier.awaited?.has(message.process)) obey(barrier, message.process);
        }
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
      listeningSince = clocks.steady();
      sent.clear();
      unanswered = [];
      for (const { awaited, number } of barriers.values()) {
        if (awaited === null) say({ type: 'barrier', process, number });
      }
    },
    /** The connection is gone, or given up. What is known stays, and grows old. */
    lost(): void {
      isConnected = false;
      isProved = false;
      sent.clear();
    },
    received: (text: string): void => hear(readMessage(text)),
    /** What is due every `BEAT_MILLISECONDS`. */
    tick(): void {
      settle();
      if (!isConnected) return;
      const at = now();
      beats++;
      // Before it is sent: all that was committed by now is in front of it.
      sent.set(beats, at);
      say({ type: 'heartbeat', process, number: beats, lease });
    },
    /** Heartbeats of this connection that have not come back: in ticks, not in time, for a process that stood still. */
    unanswered: (): number => sent.size,
    /** Asks who obeys all that was committed before. */
    obeyed(): Promise<Receipt> {
      return new Promise((resolve) => {
        const number = ++asked;
        const askedAt = clocks.steady();
        barriers.set(number, {
          number,
          askedAt,
          awaited: null,
          obeying: new Set(),
          knowsAll: false,
          resolve,
        });
        if (isConnected) say({ type: 'barrier', process, number });
      });
    },
    /** This process answers nothing from memory any more. */
    farewell(): void {
      certain = null;
      // What is on its way yet makes it certain of nothing.
      sent.clear();
      if (isConnected) say({ type: 'farewell', process });
      isConnected = false;
    },
  };
}

const EVERYTHING: Heard = { type: 'everything' };
