// A change that is answered only once every process obeys it: asked for by `confirm` in
// the body of any call that changes one object, and told by `confirmation` in its reply.

import type { Receipt } from '@warder/core';
import { z } from 'zod';
import type { Confirming } from '../../dialect.ts';

export const confirm = z
  .boolean()
  .optional()
  .describe(
    'Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds.',
  );

/** The body of a change that has nothing else to say. */
export const Confirm = z.strictObject({ confirm });

export const Confirmation = z
  .object({
    obeyed_by: z.number().int().describe('How many processes obey the change.'),
    of: z
      .number()
      .int()
      .describe(
        'How many could have had something else in memory; all obey where both are the same.',
      ),
    after_ms: z.number().int().describe('Milliseconds that it took.'),
  })
  .describe('Only in the reply to a change that was asked with `confirm`.');

export const confirming: Confirming = {
  split(body) {
    if (typeof body !== 'object' || body === null || !('confirm' in body)) {
      return { isAsked: false, body };
    }
    const { confirm: asked, ...rest } = body;
    return { isAsked: asked === true, body: rest };
  },
  join: (body, { obeyedBy, of, afterMilliseconds }: Receipt) => ({
    ...(body as object),
    confirmation: { obeyed_by: obeyedBy, of, after_ms: afterMilliseconds },
  }),
};
