// How windows are told in headers: RateLimit-Policy and RateLimit as structured
// fields (draft-ietf-httpapi-ratelimit-headers-11; RFC 9651), one item for each window,
// in the order they are asked. A shared window has whose it is before its name.

import type { LimitFigure } from '@warder/core';

export const POLICY_HEADER = 'RateLimit-Policy';
export const LIMIT_HEADER = 'RateLimit';

/** `"minute";q=100;w=60, "owner:day";q=1000;w=86400` */
export function policiesOf(figures: readonly LimitFigure[]): string {
  return figures
    .map((figure) => `${nameOf(figure)};q=${figure.limit};w=${figure.windowSeconds}`)
    .join(', ');
}

/** `"minute";r=99;t=60`, with what is left and the seconds until all of it is there again. */
export function standOf(figures: readonly LimitFigure[], now: number): string {
  return figures
    .map((figure) => {
      const seconds = Math.max(0, Math.ceil((figure.resetAt - now) / 1000));
      return `${nameOf(figure)};r=${figure.remaining};t=${seconds}`;
    })
    .join(', ');
}

/** No character of a name needs to be escaped in a quoted text. */
function nameOf({ name, per }: LimitFigure): string {
  return per === 'owner' || per === 'workspace' ? `"${per}:${name}"` : `"${name}"`;
}
