// The bodies of Dreadnode's API, members in the order of the alphabet as on its page.

import { isScope, SCOPE_RULE } from '@warder/core';
import { z } from 'zod';

const moment = z.iso.datetime();

const ofKey = {
  active: z.boolean(),
  allow_self_revoke: z.boolean(),
  allowed_scopes: z.array(z.string()).nullable(),
  created_at: moment,
  id: z.uuid(),
};
const restOfKey = {
  last_used_at: moment.nullable(),
  masked_key: z.string(),
  name: z.string().nullable(),
  org_id: z.guid().nullable(),
  workspace_id: z.guid().nullable(),
};

export const ApiKey = z
  .object({ ...ofKey, ...restOfKey })
  .describe('Returned by GET — masked key only, no plaintext.');
export const CreatedApiKey = z.object({
  ...ofKey,
  key: z.string().describe('The plaintext, shown once.'),
  ...restOfKey,
});
export const ApiKeys = z.array(ApiKey);
export const User = z.object({
  api_key: ApiKey.nullable().describe('The key that calls; null for a token.'),
  email_address: z.string().describe('Always empty: none is known.'),
  full_name: z.string().nullable(),
  id: z.string(),
  username: z.string(),
});

const uuid = z.guid().toLowerCase();

export const ApiKeyCreate = z.object({
  allow_self_revoke: z.boolean().default(false),
  allowed_scopes: z
    .array(z.string().refine(isScope, `must be ${SCOPE_RULE}`))
    .nullish()
    .describe('Everything where it is null or missing.'),
  name: z.string().nullish(),
  org_id: uuid.nullish(),
  workspace_id: uuid.nullish(),
});
export const ApiKeyAddress = z.object({ id: uuid });

/** What a key is given back with, and what Warder gives no meaning. */
export const Kept = z
  .object({
    allowed_scopes: z.array(z.string()).nullable().catch(null),
    org_id: z.guid().nullable().catch(null),
    workspace_id: z.guid().nullable().catch(null),
  })
  .catch({ allowed_scopes: null, org_id: null, workspace_id: null });

export const ApiError = z
  .object({
    code: z.int().describe('HTTP status code'),
    detail: z.string().describe('Human-readable error message'),
    errors: z
      .array(
        z.object({
          loc: z
            .array(z.union([z.string(), z.int()]))
            .describe('Where the validation error occurred'),
          msg: z.string().describe('Human-readable validation message'),
          type: z.string().describe('Machine-readable validation error type'),
        }),
      )
      .optional(),
    type: z.string().describe('Stable machine-readable error type'),
  })
  .describe('Canonical API error envelope returned by the API.');
