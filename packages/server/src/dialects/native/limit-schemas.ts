// What the native API takes and gives of limits: with a key, an owner or a workspace,
// with a verdict, and for whatever has no key.

import { MAX_UNITS, MAX_WINDOW_SECONDS, UNITS_RULE, WINDOW_RULE } from '@warder/core';
import { z } from 'zod';
import { givenMoment, givenUuid } from './parameters.ts';
import { moment } from './values.ts';

const unitsError = { error: UNITS_RULE };
export const givenUnits = z.int(unitsError).min(0, unitsError).max(MAX_UNITS, unitsError);
const windowError = { error: WINDOW_RULE };
const givenWindow = z
  .int(windowError)
  .min(1, windowError)
  .max(MAX_WINDOW_SECONDS, windowError)
  .describe('From the first use on, up to 366 days.');

export const Limit = z.object({
  name: z.string(),
  limit: z.int(),
  window_seconds: z.int(),
  override: z.object({ limit: z.int(), until: moment }).nullable(),
});
export const LimitDraft = z
  .strictObject({
    name: z.string().describe('1 to 64 of a-z, 0-9, `_`, `.` and `-`; once in a list.'),
    limit: givenUnits,
    window_seconds: givenWindow,
    override: z
      .strictObject({ limit: givenUnits, until: givenMoment })
      .nullable()
      .default(null)
      .describe('Another limit until then.'),
  })
  .transform(({ window_seconds, ...limit }) => ({ ...limit, windowSeconds: window_seconds }));
export const givenLimits = z.array(LimitDraft);
export const noLimitsToEmpty = givenLimits.nullable().transform((list) => list ?? []);

export const LimitFigure = z.object({
  name: z.string(),
  per: z.enum(['key', 'owner', 'workspace', 'identifier']).describe('Whose uses count together.'),
  limit: z.int().describe('What is in force, an override included.'),
  remaining: z.int(),
  window_seconds: z.int(),
  reset_at: moment.describe('When all of it is there again.'),
});
export const limitFigures = z.array(LimitFigure);

export const LimitTake = z.strictObject({
  identifier: z
    .string()
    .describe('Whom the window is for: an address, a user, anything. Never stored as it stands.'),
  limit: givenUnits,
  window_seconds: givenWindow,
  cost: givenUnits.optional().describe('1 unless given; all of it is taken or nothing.'),
  spend: z.boolean().optional().describe('False tells without taking anything.'),
  workspace_id: givenUuid.optional(),
});

export const LimitTaken = z.object({
  allowed: z.boolean(),
  name: z.string(),
  limit: z.int(),
  remaining: z.int(),
  window_seconds: z.int(),
  reset_at: moment,
  retry_after_seconds: z.int().optional().describe('Where it is not allowed.'),
});
