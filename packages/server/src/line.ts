// Two processes that ask each other for things over one channel of messages: by
// the name of what is asked, each with one answer. What is said in one turn shares a
// message, and everything arrives in the order it was said.

import { WarderError } from '@warder/core';

/** A channel of plain data between two processes, in order. */
export interface Channel {
  send(data: unknown): void;
  receive(take: (data: unknown) => void): void;
}

/** What one end does when it is asked, by name. */
export type Procedures<Names extends string = string> = Readonly<
  Record<Names, (given: never) => unknown>
>;
type Given<Procedure> = Procedure extends (given: infer Value) => unknown ? Value : never;
type Answer<Procedure> = Procedure extends (given: never) => infer Value ? Awaited<Value> : never;

export interface Line<Theirs> {
  /**
   * Asks the other end. Waits for ever where it is given no deadline.
   * @throws what the other end threw, as a WarderError; `unavailable` once the line has ended or the time is over
   */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    given: Given<Theirs[Name]>,
    deadlineMilliseconds?: number,
  ): Promise<Answer<Theirs[Name]>>;
  /** Has the other end do something, and waits for no answer. */
  tell<Name extends keyof Theirs & string>(name: Name, given: Given<Theirs[Name]>): void;
  /** Fails whatever waits for an answer, and says nothing any more. */
  end(): void;
}

type Message =
  | { readonly ask: string; readonly given: unknown; readonly number: number }
  | { readonly tell: string; readonly given: unknown }
  | { readonly answered: number; readonly answer: unknown }
  | { readonly failed: number; readonly failure: Told };

/** What is left of an error that crosses the line. */
interface Told {
  readonly code: WarderError['code'];
  readonly message: string;
  readonly internal: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** @param mine what this end does for the other */
export function openLine<Theirs extends Procedures>(
  channel: Channel,
  mine: Procedures,
): Line<Theirs> {
  const waiting = new Map<number, Asked>();
  let outgoing: Message[] = [];
  let asked = 0;
  let ended = false;

  const flush = () => {
    const messages = outgoing;
    outgoing = [];
    if (!ended) channel.send(messages);
  };
  const say = (message: Message) => {
    if (ended) return;
    outgoing.push(message);
    if (outgoing.length === 1) setImmediate(flush);
  };
  const run = (name: string, given: unknown): unknown => {
    // Both ends are one program, whose types say what goes with each name.
    const procedure = mine[name] as ((given: unknown) => unknown) | undefined;
    if (procedure === undefined) throw new Error(`nothing here is called ${name}`);
    return procedure(given);
  };
  const answer = (name: string, given: unknown, number: number) => {
    const done = (value: unknown) => say({ answered: number, answer: value });
    const failed = (error: unknown) => say({ failed: number, failure: toldOf(error) });
    try {
      const value = run(name, given);
      if (value instanceof Promise) value.then(done, failed);
      else done(value);
    } catch (error) {
      failed(error);
    }
  };
  const hear = (message: Message) => {
    if ('ask' in message) {
      answer(message.ask, message.given, message.number);
    } else if ('tell' in message) {
      run(message.tell, message.given);
    } else {
      const number = 'answered' in message ? message.answered : message.failed;
      const request = waiting.get(number);
      waiting.delete(number);
      if ('answered' in message) request?.resolve(message.answer);
      else request?.reject(errorOf(message.failure));
    }
  };
  channel.receive((data) => {
    // Written by `flush` of the other end.
    for (const message of data as readonly Message[]) if (!ended) hear(message);
  });

  return {
    ask: (name, given, deadlineMilliseconds) =>
      new Promise((resolve, reject) => {
        if (ended) {
          reject(lost('the line has ended'));
          return;
        }
        const number = ++asked;
        let timer: NodeJS.Timeout | undefined;
        if (deadlineMilliseconds !== undefined) {
          timer = setTimeout(() => {
            waiting.delete(number);
            reject(lost(`no answer to ${name} within ${deadlineMilliseconds} ms`));
          }, deadlineMilliseconds);
        }
        waiting.set(number, {
          resolve(value) {
            clearTimeout(timer);
            // What that procedure answers, by the types of both ends.
            resolve(value as Parameters<typeof resolve>[0]);
          },
          reject(error) {
            clearTimeout(timer);
            reject(error);
          },
        });
        say({ ask: name, given, number });
      }),
    tell: (name, given) => say({ tell: name, given }),
    end() {
      ended = true;
      const cut = [...waiting.values()];
      waiting.clear();
      for (const { reject } of cut) reject(lost('the line has ended'));
    },
  };
}

function lost(internal: string): WarderError {
  return new WarderError(
    'unavailable',
    'This process cannot reach its supervisor now: try again in a moment.',
    { internal, retryAfterSeconds: 1 },
  );
}

function toldOf(error: unknown): Told {
  if (!(error instanceof WarderError)) {
    const internal = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message = 'Something went wrong.';
    return { code: 'internal', message, internal, retryAfterSeconds: undefined };
  }
  const { code, message, facts } = error;
  const { internal, retryAfterSeconds } = facts;
  return { code, message, internal, retryAfterSeconds };
}

function errorOf({ code, message, internal, retryAfterSeconds }: Told): WarderError {
  return new WarderError(code, message, {
    ...(internal === undefined ? {} : { internal }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
