// What the native API takes and gives of credits: with a key or an owner, with a
// verdict, and to change a balance by itself.

import { MAX_CREDITS, REFILL_INTERVALS } from '@warder/core';
import { z } from 'zod';
import { givenMoment } from './parameters.ts';
import { moment } from './values.ts';

const nullableMoment = moment.nullable();

const Refill = z.object({
  amount: z.int(),
  interval: z.enum(REFILL_INTERVALS),
  anchor: moment.describe('Its first moment; the others follow at whole intervals, UTC.'),
});
export const Credits = z.object({
  remaining: z.int(),
  refill_at: nullableMoment.describe('When it is filled up next; null for never.'),
  refill: Refill.nullable(),
});
const credits = z.int().min(0).max(MAX_CREDITS);
export const givenCredits = z
  .strictObject({
    remaining: credits.optional(),
    refill: z
      .strictObject({
        amount: credits.min(1),
        interval: z.enum(REFILL_INTERVALS),
        anchor: givenMoment.describe(
          'The first moment of a refill; the moment of the call unless given.',
        ),
      })
      .partial()
      .nullable()
      .optional()
      .describe('Fills the balance up to an amount at whole intervals; what is above stays.'),
  })
  .describe('What may be spent: a balance, and what fills it up. Null for none.');

export const Crediting = z
  .strictObject({
    add: credits.min(1).optional().describe('So many more.'),
    set: credits.optional().describe('Exactly so many.'),
  })
  .transform((given, context): { add: number } | { set: number } => {
    const { add, set } = given;
    if (add !== undefined && set === undefined) return { add };
    if (set !== undefined && add === undefined) return { set };
    context.addIssue({ code: 'custom', message: 'must have either `add` or `set`' });
    return z.NEVER;
  });

/** What is left, as a verdict tells it. */
export const VerdictCredits = z.object({ remaining: z.int(), refill_at: nullableMoment });
