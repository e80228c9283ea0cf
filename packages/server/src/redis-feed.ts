// A second way to hear of changes, beside the database's own: whoever commits says so in
// Redis too, and whichever is heard first counts. It only ever makes a process forget. A
// process may die between its commit and saying so, hence nobody is surer for it.

import type { Change, Heard, Storage } from '@warder/core';
import { afterCommits } from './after-commits.ts';
import { changesToTell } from './changes-to-tell.ts';
import type { RedisAddress } from './redis-connection.ts';

export interface RedisFeed {
  /** The same store: its commits are told, and its watches hear what others tell. */
  over(storage: Storage): Storage;
  close(): void;
}

export interface RedisFeedOptions {
  /** Several are nodes of one cluster. */
  readonly addresses: readonly RedisAddress[];
  /** Shared by the processes of one installation alone. */
  readonly channel: string;
}

/** Begins to connect. While Redis is away nothing is told and nothing waits. */
export async function openRedisFeed({ addresses, channel }: RedisFeedOptions): Promise<RedisFeed> {
  // Loaded only where somebody asks for it.
  const { connectRedis } = await import('./redis-connection.ts');
  const [telling, hearing] = [connectRedis(addresses), connectRedis(addresses)];
  const listeners = new Set<(change: Heard) => void>();
  // That Redis is away is said by whoever counts limits there.
  for (const client of [telling, hearing]) client.on('error', () => {});
  hearing.on('ready', () => void hearing.subscribe(channel).catch(() => {}));
  hearing.on('message', (_channel: string, text: string) => {
    for (const change of read(text)) for (const heard of listeners) heard(change);
  });

  const tell = (changes: readonly Change[]) => {
    const told = changesToTell(changes);
    if (told.length > 0) telling.publish(channel, JSON.stringify(told)).catch(() => {});
  };

  return {
    over: (storage) => ({
      ...afterCommits(storage, tell),
      watch(heard) {
        const own = storage.watch(heard);
        listeners.add(heard);
        return {
          age: own.age,
          trusted: own.trusted,
          close() {
            listeners.delete(heard);
            own.close();
          },
        };
      },
    }),
    close() {
      telling.disconnect();
      hearing.disconnect();
    },
  };
}

const TYPES: readonly unknown[] = ['key', 'owner', 'workspace', 'member'] satisfies Heard['type'][];

/** What cannot be read, as from a later version, may be anything. */
function read(text: string): readonly Heard[] {
  try {
    const told: unknown = JSON.parse(text);
    if (Array.isArray(told) && told.every(isHeard)) return told;
  } catch {
    // Said below.
  }
  return [{ type: 'everything' }];
}

function isHeard(one: unknown): one is Heard {
  return (
    one instanceof Object &&
    'type' in one &&
    TYPES.includes(one.type) &&
    'id' in one &&
    typeof one.id === 'string'
  );
}
