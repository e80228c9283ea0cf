// Limits as people read them, and as the flags take them.

import type { Limit } from '@warder/sdk';

/** `minute=100/60s`, separated by spaces, each override behind its limit; `none` for an empty list. */
export function limitsText(limits: readonly Limit[]): string {
  const texts = limits.map(({ name, limit, window_seconds, override }) => {
    const other = override === null ? '' : `,${override.limit}@${override.until}`;
    return `${name}=${limit}/${window_seconds}s${other}`;
  });
  return texts.length === 0 ? 'none' : texts.join(' ');
}
