// What the native API gives of usage, and takes and gives of an explanation.

import { COUNTED_REFUSALS, REFUSALS_KEPT, USAGE_STEPS, VERDICT_CODES } from '@warder/core';
import { z } from 'zod';
import { givenUnits } from './limit-schemas.ts';
import { givenMoment, givenUuid } from './parameters.ts';
import { moment, scopes } from './values.ts';
import { Verdict } from './verdict-schemas.ts';

const figures = {
  total: z.int().describe('How many verifications there were.'),
  valid: z.int(),
  refused: z
    .object(Object.fromEntries(COUNTED_REFUSALS.map((code) => [code, z.int().optional()])))
    .describe('How many were refused, by code; those that there were.'),
};
export const Usage = z.object({
  step: z.enum(USAGE_STEPS),
  from: moment,
  to: moment.describe('Where the last of `data` ends.'),
  ...figures,
  data: z
    .array(z.object({ start: moment, ...figures }))
    .describe('Every hour, day or month from `from` on, also those without a verification.'),
});

export const KeyExplain = z.strictObject({
  at: givenMoment.optional().describe('The moment to judge at; now unless given.'),
  workspace_id: givenUuid.optional().describe('The workspace that the key is expected to be of.'),
  scopes: scopes.optional().describe('The key must hold all of these.'),
  query: z.string().optional().describe('`files:read and (admin or billing:write)`'),
  ip: z.string().optional().describe('Where the key is used from.'),
  cost: givenUnits.optional().describe('What the use would take; 1 unless given.'),
});

export const Explanation = z.object({
  at: moment.describe('The moment that it is judged at, as the key is now.'),
  verdict: Verdict,
  checks: z
    .array(
      z.object({
        code: z.enum(VERDICT_CODES).exclude(['malformed', 'not_found', 'valid']),
        passed: z.boolean(),
        detail: z.string(),
      }),
    )
    .describe('In the order that they are made in: the first that failed is the code.'),
  last_refusals: z
    .array(
      z.object({
        at: moment,
        code: z.enum(COUNTED_REFUSALS),
        missing_scopes: scopes,
        ip: z.string().nullable().describe('As far as the verification named one.'),
      }),
    )
    .describe(`The last ${REFUSALS_KEPT} of 30 days, the newest first, written within a second.`),
});
