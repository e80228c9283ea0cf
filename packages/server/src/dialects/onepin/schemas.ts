// The bodies of OnePin's API, members in the order of its page.

import { MAX_OFFSET } from '@warder/core';
import { z } from 'zod';

const moment = z.iso.datetime();

const Meta = z.object({ request_id: z.string(), timestamp: moment });
const meta = { meta: Meta };

const ofKey = {
  id: z.uuid(),
  workspace_id: z.uuid(),
  created_by: z.uuid().nullable(),
  name: z.string(),
  key_type: z.string(),
  key_prefix: z.string(),
  key_suffix: z.string(),
  scopes: z.array(z.string()),
  active: z.boolean(),
  last_used_at: moment.nullable(),
  rate_limit_per_min: z.int().nullable(),
  revoked_at: moment.nullable(),
  created_at: moment,
  updated_at: moment,
};
const preview = z.string().nullable();

export const ApiKeyOut = z.object({ ...ofKey, preview });
export const ApiKeyCreatedOut = z.object({
  ...ofKey,
  api_key: z.string().describe('Plaintext API key. Returned only once on create/rotate.'),
  preview,
});
export const ApiKeyAnswer = z.object({ data: ApiKeyOut, ...meta });
export const ApiKeyCreatedAnswer = z.object({ data: ApiKeyCreatedOut, ...meta });
export const ApiKeyRotatedAnswer = z.object({
  data: z.object({ old_key: ApiKeyOut, new_key: ApiKeyCreatedOut }),
  ...meta,
});
export const ApiKeyList = z.object({
  data: z.array(ApiKeyOut),
  ...meta,
  pagination: z.object({
    limit: z.int(),
    total: z.int(),
    next: z.url().nullable(),
    prev: z.url().nullable(),
  }),
});
export const WhoAmIAnswer = z.object({
  data: z.object({
    auth_kind: z.enum(['clerk', 'api_key']),
    user_id: z.uuid().nullable(),
    workspace_id: z.uuid().nullable(),
    api_key_id: z.uuid().nullable(),
    scopes: z.array(z.string()),
  }),
  ...meta,
});

/** A whole number in the text of a query. */
const whole = (usual: number, least: number, most: number) => {
  const rule = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,12}$/, rule)
    .transform(Number)
    .refine((number) => number >= least && number <= most, rule)
    .default(usual)
    .meta({ wire: { type: 'integer', minimum: least, maximum: most, default: usual } });
};

export const ApiKeyPage = z.object({
  offset: whole(0, 0, MAX_OFFSET),
  limit: whole(50, 1, 100),
  status: z
    .enum(['active', 'revoked', 'all'])
    .optional()
    .describe('API-key list status filter. Defaults to currently usable keys.'),
});
export const ApiKeyAddress = z.object({ key_id: z.guid().toLowerCase() });

export const ApiErrorResponse = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  }),
  ...meta,
});
