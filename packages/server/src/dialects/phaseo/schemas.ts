// The bodies of Phaseo's API, in the order of its pages.

import { z } from 'zod';
import { clampedPage, flag } from '../../phaseo-paging.ts';
import { Unauthorised } from '../../phaseo-refusal.ts';
import { scopesText } from '../../scopes-text.ts';

const moment = z.iso.datetime().nullable();
const LIMIT = 'limit must be a non-negative number or null';
const EXPIRES = 'expires_at must be a valid ISO-8601 datetime or null';
const RESETS = ['daily', 'weekly', 'monthly'] as const;

export const ApiKey = z.object({
  id: z.uuid(),
  hash: z.string(),
  workspace_id: z.uuid(),
  name: z.string().nullable(),
  label: z.string().nullable(),
  prefix: z.string().nullable(),
  status: z.enum(['active', 'paused', 'revoked']),
  disabled: z.boolean(),
  soft_blocked: z.boolean(),
  scopes: z.union([z.string(), z.array(z.string())]),
  created_by: z.string().nullable(),
  created_at: moment,
  updated_at: moment,
  last_used_at: moment,
  expires_at: moment,
});
export const KeyAnswer = z.object({ data: ApiKey });
export const CreatedKeyAnswer = z.object({ data: ApiKey.extend({ key: z.string() }) });
export const KeyList = z.object({ data: z.array(ApiKey), total_count: z.int().nonnegative() });
export const Deleted = z.object({ deleted: z.literal(true) });
export const Received = z.object({ status: z.literal('received') });

export const KeyPage = z.object({
  include_disabled: flag,
  ...clampedPage(100),
  workspace_id: z.string().optional(),
});
export const InWorkspace = z.object({ workspace_id: z.string().optional() });

/** An id, or the hash that a key is shown with. */
export const KeyAddress = z.object({ id: address('Key id is required') });
export const WorkspaceAddress = z.object({ id: address('Workspace id is required') });

function address(rule: string) {
  return z.string().transform((text, context) => {
    const trimmed = text.trim();
    if (trimmed === '') context.addIssue({ code: 'custom', message: rule });
    return /^[0-9a-f-]{36}$/i.test(trimmed) ? trimmed.toLowerCase() : trimmed;
  });
}

const spendLimit = z
  .unknown()
  .transform((given, context) => {
    if (given === null || given === undefined || given === '') return null;
    const amount = typeof given === 'string' ? Number(given) : given;
    if (typeof amount === 'number' && Number.isFinite(amount) && amount >= 0) return amount;
    context.addIssue({ code: 'custom', message: LIMIT });
    return z.NEVER;
  })
  .meta({ wire: { type: ['number', 'null'], minimum: 0 } });

const reset = z
  .enum(RESETS, { error: `limit_reset must be one of: ${RESETS.join(', ')}` })
  .nullish();

const expiry = z
  .unknown()
  .transform((given, context) => {
    if (given === null || given === undefined || given === '') return null;
    const at = typeof given === 'string' ? Date.parse(given) : Number.NaN;
    if (!Number.isNaN(at)) return at;
    context.addIssue({ code: 'custom', message: EXPIRES });
    return z.NEVER;
  })
  .meta({ wire: { type: ['string', 'null'], format: 'date-time' } });

const truth = z
  .unknown()
  .transform((given) => given === true)
  .meta({ wire: { type: 'boolean', default: false } });

const requiredName = z
  .unknown()
  .transform((given, context) => {
    const name = String(given ?? '').trim();
    if (name === '') context.addIssue({ code: 'custom', message: 'name is required' });
    return name;
  })
  .meta({ wire: { type: 'string', minLength: 1 } });

/** Anything but a text is passed over. */
const changedName = z
  .unknown()
  .transform((given, context) => {
    if (typeof given !== 'string') return undefined;
    const name = given.trim();
    if (name === '') context.addIssue({ code: 'custom', message: 'name cannot be empty' });
    return name;
  })
  .meta({ wire: { type: 'string', minLength: 1 } });

export const KeyCreate = z.object({
  name: requiredName,
  workspace_id: z.string().optional(),
  scopes: scopesText(),
  limit: spendLimit.optional(),
  limit_reset: reset,
  expires_at: expiry.optional(),
  disabled: truth.optional(),
  soft_blocked: truth.optional(),
});

export const KeyPatch = z.object({
  name: changedName.optional(),
  scopes: scopesText().optional(),
  limit: spendLimit.optional(),
  limit_reset: reset,
  expires_at: expiry.optional(),
  disabled: truth.optional(),
  soft_blocked: truth.optional(),
});

export const Workspace = z.object({
  id: z.uuid(),
  name: z.string(),
  slug: z.string(),
  created_by: z.string().nullable(),
  created_at: moment,
  updated_at: moment,
});
export const WorkspaceAnswer = z.object({ data: Workspace });
export const WorkspaceList = z.object({
  data: z.array(Workspace),
  total_count: z.int().nonnegative(),
});
export const WorkspacePage = z.object(clampedPage(100));

const workspaceName = z
  .string({ error: 'name is required' })
  .trim()
  .min(1, 'name is required')
  .max(100, 'name must be 100 characters or fewer');
const slug = z
  .string({ error: 'slug must be a string' })
  .regex(/^[a-z0-9-]{1,50}$/, 'slug must be 1 to 50 lowercase letters, digits or hyphens');

export const WorkspaceCreate = z.object({ name: workspaceName, slug: slug.optional() });
export const WorkspacePatch = z.object({ name: workspaceName.optional(), slug: slug.optional() });

const told = z.string().nullish().catch(null);

/** Whatever is told of a leak is received. */
export const LeakReport = z.object({
  token: z.string().catch(''),
  source: told,
  reporter_email: told,
  evidence_url: told,
  comment: told,
});

export const ErrorBody = z.union([
  z.object({ ok: z.literal(false).optional(), error: z.string(), message: z.string() }),
  Unauthorised,
]);
