// The quick way to write it by hand: a bare node:http route that hashes the key with
// SHA-256 and gets what is known of it from Redis, by ioredis.

import { digestOf, drawKeys } from './keys.ts';
import { type Rival, route } from './route.ts';

interface Redis {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
}

/** @param where Redis's Unix socket */
export const redis: Rival = async (where, count) => {
  const client = await connect(where);
  const keys = drawKeys(count);
  for (const { digest, facts } of keys) await client.set(`key:${digest}`, JSON.stringify(facts));
  const verify = async (key: string): Promise<object> => {
    const found = await client.get(`key:${digestOf(key)}`);
    if (found === null) return { valid: false, code: 'not_found' };
    return { valid: true, code: 'valid', ...JSON.parse(found) };
  };
  return { secrets: keys.map(({ secret }) => secret), listener: route(verify) };
};

/** Named by a variable: it is installed for this bench only, and so has no types elsewhere. */
async function connect(path: string): Promise<Redis> {
  const name: string = 'ioredis';
  const { Redis } = await import(name);
  return new Redis({ path });
}
