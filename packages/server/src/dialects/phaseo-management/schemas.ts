// The bodies of Phaseo's management API, in the order of its guide.

import { z } from 'zod';
import { clampedPage } from '../../phaseo-paging.ts';
import { Unauthorised } from '../../phaseo-refusal.ts';
import { scopesText } from '../../scopes-text.ts';

const STATUSES = ['active', 'disabled', 'revoked'] as const;
const MAX_NAME = 100;
const moment = z.iso.datetime();

/** What every answer tells of a key. */
const shown = {
  id: z.uuid(),
  name: z.string().nullable(),
  prefix: z.string().nullable(),
  status: z.enum(STATUSES),
  scopes: z.string(),
  created_at: moment,
};

export const CreatedKey = z.object({ ...shown, key: z.string() });
export const ListedKey = z.object({ ...shown, last_used_at: moment.nullable() });
export const Key = z.object({
  id: z.uuid(),
  team_id: z.uuid(),
  name: z.string().nullable(),
  prefix: z.string().nullable(),
  status: z.enum(STATUSES),
  scopes: z.string(),
  created_by: z.string().nullable(),
  created_at: moment,
  last_used_at: moment.nullable(),
  soft_blocked: z.boolean(),
});

const ok = z.literal(true);
export const CreatedKeyAnswer = z.object({ ok, key: CreatedKey });
export const KeyAnswer = z.object({ ok, key: Key });
export const KeyList = z.object({
  ok,
  limit: z.int(),
  offset: z.int(),
  total: z.int(),
  keys: z.array(ListedKey),
});
export const Done = z.object({ ok, message: z.string() });

export const KeyPage = z.object({ ...clampedPage(50), team_id: z.string().optional() });
export const InTeam = z.object({ team_id: z.string().optional() });
export const KeyAddress = z.object({
  id: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/./, { error: 'key ID is required' })
    .meta({ wire: { type: 'string' } }),
});

const name = z
  .unknown()
  .transform((given, context) => {
    const text = typeof given === 'string' ? given.trim() : '';
    if (text === '') context.addIssue({ code: 'custom', message: 'name is required' });
    if ([...text].length > MAX_NAME) {
      const message = `name must be ${MAX_NAME} characters or fewer`;
      context.addIssue({ code: 'custom', message });
    }
    return text;
  })
  .meta({ wire: { type: 'string', minLength: 1, maxLength: MAX_NAME } });

const status = z.enum(STATUSES, { error: 'status must be active, disabled, or revoked' });

/** What is no text counts as absent. */
const statusIfText = z
  .unknown()
  .transform((given) => (typeof given === 'string' ? given : undefined))
  .pipe(status.optional())
  .meta({ wire: { enum: STATUSES, default: 'active' } });

const truth = z
  .unknown()
  .transform((given) => Boolean(given))
  .meta({ wire: { type: 'boolean', default: false } });

export const KeyCreate = z.object({
  name,
  scopes: scopesText('scopes must be a string or string array'),
  status: statusIfText.optional(),
  soft_blocked: truth.optional(),
  team_id: z.string({ error: 'team_id must be a string' }).nullish(),
});

export const KeyPatch = z.object({
  name: name.optional(),
  status: status.optional(),
  soft_blocked: truth.optional(),
});

export const ErrorBody = z.union([
  z.object({ ok: z.literal(false), error: z.string(), message: z.string().optional() }),
  Unauthorised,
]);
