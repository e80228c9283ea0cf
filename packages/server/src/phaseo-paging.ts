// Paging as both of Phaseo's APIs read it: whatever is sent, something is listed.

import { MAX_OFFSET } from '@warder/core';
import { z } from 'zod';

const MOST = 250;

/** `limit` and `offset`: what is no number or too little is the default, what is too much the most there is. */
export const clampedPage = (usual: number) => ({
  limit: clamped((number) => (number >= 1 ? Math.min(Math.floor(number), MOST) : usual), {
    type: 'integer',
    minimum: 1,
    maximum: MOST,
    default: usual,
  }),
  offset: clamped((number) => (number >= 0 ? Math.min(Math.floor(number), MAX_OFFSET) : 0), {
    type: 'integer',
    minimum: 0,
    default: 0,
  }),
});

function clamped(read: (number: number) => number, wire: object) {
  return z
    .string()
    .optional()
    .transform((text) => read(text === undefined || text.trim() === '' ? Number.NaN : Number(text)))
    .meta({ wire });
}

/** `1`, `true`, `yes` and `on` in any case; all else is false. */
export const flag = z
  .string()
  .optional()
  .transform((text) => /^(?:1|true|yes|on)$/i.test(text?.trim() ?? ''))
  .meta({ wire: { type: 'boolean', default: false } });
