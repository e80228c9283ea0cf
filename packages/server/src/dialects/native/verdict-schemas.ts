// What the native API takes to judge a key by, and the verdict it gives.

import { ENVIRONMENTS, VERDICT_CODES } from '@warder/core';
import { z } from 'zod';
import { VerdictCredits } from './credit-schemas.ts';
import { givenUnits, limitFigures } from './limit-schemas.ts';
import { givenUuid } from './parameters.ts';
import { metadata, moment, nullableMoment, scopes, uuid } from './values.ts';

export const KeyVerify = z.strictObject({
  key: z.string().describe('The key to judge.'),
  workspace_id: givenUuid.optional(),
  scopes: scopes.optional().describe('The key must hold all of these.'),
  query: z.string().optional().describe('`files:read and (admin or billing:write)`'),
  ip: z
    .string()
    .optional()
    .describe('Where the key is used from; needed for keys with allowed_cidrs.'),
  cost: givenUnits
    .optional()
    .describe(
      'What the use takes from each limit, and how many credits: 1 unless given, all of them or none.',
    ),
  spend: z.boolean().optional().describe('False judges without taking anything.'),
  include: z.array(z.enum(['metadata'])).optional(),
});

const VerdictOwner = z.object({
  id: uuid,
  owner_id: z.string(),
  type: z.string().nullable(),
  name: z.string().nullable(),
  metadata: metadata.optional(),
});

export const Verdict = z.discriminatedUnion('valid', [
  z.object({
    valid: z.literal(true),
    code: z.literal('valid'),
    key_id: uuid,
    workspace_id: uuid.nullable(),
    owner_id: z.string().nullable(),
    name: z.string().nullable(),
    environment: z.enum(ENVIRONMENTS),
    scopes,
    created_at: moment,
    not_before: nullableMoment,
    expires_at: nullableMoment,
    owner: VerdictOwner.nullable(),
    metadata: metadata.optional(),
    limits: limitFigures,
    credits: VerdictCredits.optional().describe(
      'What is left of the credits of the key or, where it has none of its own, of its owner.',
    ),
  }),
  z.object({
    valid: z.literal(false),
    code: z.enum(VERDICT_CODES).exclude(['valid']),
    message: z.string(),
    key_id: uuid.optional(),
    workspace_id: uuid.nullable().optional(),
    owner_id: z.string().nullable().optional(),
    missing_scopes: scopes.optional(),
    limits: limitFigures.optional(),
    retry_after_seconds: z.int().optional(),
    credits: VerdictCredits.optional(),
  }),
]);

export const KeysVerify = z.strictObject({ keys: z.array(KeyVerify).min(1).max(1_000) });
export const Verdicts = z.object({ data: z.array(Verdict) });
