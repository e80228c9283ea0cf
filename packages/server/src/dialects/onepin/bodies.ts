// What is sent of a key. The scopes that it may have are a closed set, which an
// operator may replace.

import { isScope, MAX_UNITS, SCOPE_RULE } from '@warder/core';
import { z } from 'zod';

export const ONEPIN_SCOPES = [
  'workflows:read',
  'workflows:run',
  'workflows:write',
  'voices:read',
  'voices:write',
  'dictionary:read',
  'dictionary:write',
  'uploads:write',
  'workspace:read',
  'templates:read',
  'catalog:read',
] as const;

export const ANY_SCOPE = 'any';

function scopeRule(chosen: string): z.ZodType<string> {
  if (chosen === ANY_SCOPE) return z.string().refine(isScope, `must be ${SCOPE_RULE}`);
  return z.enum(chosen.split(' '));
}

const MAX_NAME_LENGTH = 120;
const NAME_RULE = `must have 1 to ${MAX_NAME_LENGTH} characters`;
const name = z
  .string()
  .refine((text) => text !== '' && [...text].length <= MAX_NAME_LENGTH, NAME_RULE)
  .meta({ wire: { type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH } });

const RATE_RULE = { error: `must be a whole number from 1 to ${MAX_UNITS}, or null` };
const rateLimit = z.int(RATE_RULE).min(1, RATE_RULE).max(MAX_UNITS, RATE_RULE).nullish();

/** @param scopes the scopes there are, with spaces between them, or `any` */
export function keyBodies(scopes: string) {
  const scope = scopeRule(scopes);
  return {
    create: z.object({
      name,
      scopes: z.array(scope).default([]),
      rate_limit_per_min: rateLimit,
      key_type: z.literal('live').default('live'),
    }),
    update: z.object({
      name: name.nullish(),
      scopes: z.array(scope).nullish(),
      rate_limit_per_min: rateLimit,
      active: z.boolean().nullish(),
    }),
  };
}
