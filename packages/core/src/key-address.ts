// How a call names one key: by its id or its handle, and only if it is there for
// that caller.

import { type Caller, isWithin, type KeyBounds } from './caller.ts';
import { notFound } from './error.ts';
import type { Key } from './key.ts';
import type { Reach } from './ports.ts';

/**
 * @param address its id or its handle, by which no deleted key is found
 * @throws not_found
 */
export async function keyAt(
  { caller, reach }: { readonly caller: Caller; readonly reach: Reach },
  address: string,
  deleted: KeyBounds['deleted'] = caller.bounds.deleted,
): Promise<Key> {
  const byHandle = HANDLE.test(address);
  const key = await (byHandle ? reach.keyOfHandle(address) : reach.key(address));
  const gone = key !== null && key.deletedAt !== null && (byHandle || deleted === 'gone');
  if (key === null || gone || !isWithin(caller, key)) throw notFound('key');
  return key;
}

const HANDLE = /^[0-9a-f]{64}$/;
