// Changes are told in Redis too where several processes share a database in PostgreSQL
// and Redis is configured: whichever way is quicker counts.

import { openRedisFeed } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import type { RedisAddress } from '../redis-address.ts';
import type { Opened } from './installation.ts';

/** The same installation, over both. */
export async function withSecondFeed(
  flags: Flags,
  redis: readonly RedisAddress[] | undefined,
  opened: Opened,
): Promise<Opened> {
  if (redis === undefined || readSetting('database', flags) === undefined) return opened;
  const { defaultWorkspaceId } = opened.installation;
  const channel = `warder:changes:${defaultWorkspaceId}`;
  const feed = await openRedisFeed({ addresses: redis, channel });
  const storage = feed.over(opened.storage);
  const close = async () => {
    feed.close();
    await storage.close();
  };
  return { ...opened, storage: { ...storage, close } };
}
