// How often a minute one address may make a call that takes no credential. Counted in
// this process, in a table that stays small: where it is full, the oldest counts go.

import { holderOf, parseAddress } from '@warder/core';

const MINUTE = 60_000;
const MOST_ADDRESSES = 10_000;

export interface AddressLimit {
  /** Counts a call. @returns seconds after which another is let in; null where this one is */
  take(name: string, address: string | null, most: number): number | null;
}

export function createAddressLimit(now: () => number): AddressLimit {
  const windows = new Map<string, { readonly endsAt: number; count: number }>();
  return {
    take(name, address, most) {
      const at = now();
      const parsed = parseAddress(address ?? '');
      const holder = `${name} ${parsed === null ? '' : holderOf(parsed)}`;
      const found = windows.get(holder);
      if (found !== undefined && found.endsAt > at) {
        if (found.count >= most) return Math.ceil((found.endsAt - at) / 1000);
        found.count++;
        return null;
      }
      // Out and in again, so that the order is that of the windows' ends.
      windows.delete(holder);
      windows.set(holder, { endsAt: at + MINUTE, count: 1 });
      const [oldest] = windows.keys();
      if (windows.size > MOST_ADDRESSES && oldest !== undefined) windows.delete(oldest);
      return null;
    },
  };
}
