// The bodies of the native API: what it takes and what it gives. What is taken is
// strict, so a member that cannot be set is refused; replies are cut down to these.

import {
  ENVIRONMENTS,
  isPermission,
  isPreset,
  KEY_KINDS,
  KEY_STATUSES,
  PERMISSIONS,
  type PermissionSet,
  PRESETS,
  ROLES,
} from '@warder/core';
import { z } from 'zod';
import { Confirmation, confirm } from './confirmation.ts';
import { Credits, givenCredits } from './credit-schemas.ts';
import { givenLimits, Limit, noLimitsToEmpty } from './limit-schemas.ts';
import { givenMoment, givenUuid } from './parameters.ts';
import { metadata, moment, nullableMoment, scopes, uuid } from './values.ts';

export { Crediting } from './credit-schemas.ts';

const nullsToEmpty = scopes.nullable().transform((list) => list ?? []);

const permissionSet = z
  .union([z.string(), z.array(z.string())])
  .transform((given, context): PermissionSet => {
    if (typeof given === 'string' && isPreset(given)) return PRESETS[given];
    const list = typeof given === 'string' ? [given] : given;
    if (list.includes('*')) return ['*'];
    const known = list.filter(isPermission);
    if (known.length < list.length) {
      const message = `must be of ${PERMISSIONS.join(', ')}, "*", or be one of the presets ${Object.keys(PRESETS).join(', ')}`;
      context.addIssue({ code: 'custom', message });
    }
    return known;
  })
  .meta({
    wire: {
      oneOf: [
        { type: 'string', enum: Object.keys(PRESETS) },
        { type: 'array', items: { type: 'string', enum: [...PERMISSIONS, '*'] } },
      ],
    },
  });

const Grants = z.object({
  scopes,
  environments: z.array(z.enum(ENVIRONMENTS)),
  max_life_seconds: z.number().nullable(),
});
const givenGrants = z
  .strictObject({
    scopes,
    environments: z.array(z.enum(ENVIRONMENTS)),
    max_life_seconds: z.int().positive().nullable(),
  })
  .partial()
  .transform(({ max_life_seconds, ...rest }) => ({ ...rest, maxLifeSeconds: max_life_seconds }));

const Actor = z.object({
  type: z.enum(['key', 'member', 'service', 'system', 'anyone']),
  id: z.string(),
});

export const Key = z.object({
  id: uuid,
  handle: z.string(),
  workspace_id: uuid.nullable(),
  kind: z.enum(KEY_KINDS),
  name: z.string().nullable(),
  environment: z.enum(ENVIRONMENTS),
  format: z.string(),
  prefix: z.string(),
  start: z.string(),
  end: z.string(),
  status: z.enum(KEY_STATUSES),
  enabled: z.boolean(),
  soft_blocked: z.boolean(),
  owner_id: z.string().nullable(),
  scopes,
  permissions: z.array(z.string()),
  grants: Grants.nullable(),
  allowed_cidrs: z.array(z.string()),
  allow_self_revoke: z.boolean(),
  limits: z.array(Limit).nullable(),
  metadata,
  extension: metadata,
  credits: Credits.nullable(),
  created_by: Actor,
  replaces: uuid.nullable(),
  created_at: moment,
  updated_at: moment,
  last_used_at: nullableMoment,
  not_before: nullableMoment,
  expires_at: nullableMoment,
  revoked_at: nullableMoment,
  revoked_reason: z.string().nullable(),
  deleted_at: nullableMoment,
  confirmation: Confirmation.optional(),
});

export const CreatedKey = Key.extend({
  key: z.string().describe('The key itself. Shown in this reply and never again.'),
});

export const KeyCreate = z.strictObject({
  workspace_id: givenUuid
    .nullable()
    .optional()
    .describe(
      'The workspace, for a key of the instance; without it `default`. Null makes a management key of the instance.',
    ),
  kind: z.enum(KEY_KINDS).default('standard'),
  name: z.string().nullable().optional(),
  environment: z.enum(ENVIRONMENTS).default('live'),
  owner_id: z.string().nullable().optional(),
  scopes: scopes.optional(),
  permissions: permissionSet.optional(),
  grants: givenGrants.optional(),
  allowed_cidrs: z.array(z.string()).optional(),
  allow_self_revoke: z.boolean().optional(),
  limits: givenLimits
    .nullable()
    .optional()
    .describe('In place of key_limits of the workspace; null for those, empty for none.'),
  metadata: metadata.optional(),
  credits: givenCredits.nullable().optional(),
  not_before: givenMoment.nullable().optional(),
  expires_at: givenMoment.nullable().optional(),
});

export const KeyPatch = z.strictObject({
  name: z.string().nullable().optional(),
  owner_id: z.string().nullable().optional(),
  scopes: nullsToEmpty.optional(),
  permissions: permissionSet.optional(),
  grants: givenGrants.optional(),
  allowed_cidrs: nullsToEmpty.optional(),
  allow_self_revoke: z.boolean().optional(),
  limits: givenLimits
    .nullable()
    .optional()
    .describe('In place of key_limits of the workspace; null for those, empty for none.'),
  metadata: metadata.optional(),
  credits: givenCredits.nullable().optional(),
  not_before: givenMoment.nullable().optional(),
  expires_at: givenMoment.nullable().optional(),
  confirm,
});

export const KeyRevoke = z.strictObject({ reason: z.string().nullable().optional(), confirm });

const Settings = z.object({
  token_prefix: z.string().nullable(),
  default_life_seconds: z.number().nullable(),
  max_life_seconds: z.number().nullable(),
  max_keys: z.number().nullable(),
  max_keys_per_owner: z.number().nullable(),
  known_scopes: scopes.nullable(),
  metadata_filters: z.array(z.string()),
  ordinary_keys_manage: z.boolean(),
  key_limits: z.array(Limit),
  owner_limits: z.array(Limit),
  workspace_limits: z.array(Limit),
});
const givenSettings = z
  .strictObject({
    token_prefix: z.string().nullable(),
    default_life_seconds: z.int().nullable(),
    max_life_seconds: z.int().nullable(),
    max_keys: z.int().nullable(),
    max_keys_per_owner: z.int().nullable(),
    known_scopes: scopes.nullable(),
    metadata_filters: nullsToEmpty,
    ordinary_keys_manage: z.boolean(),
    key_limits: noLimitsToEmpty.describe('The limits of each key that has none of its own.'),
    owner_limits: noLimitsToEmpty.describe('Shared by all keys of one owner.'),
    workspace_limits: noLimitsToEmpty.describe('Shared by all keys.'),
  })
  .partial();

export const Workspace = z.object({
  id: uuid,
  name: z.string(),
  slug: z.string(),
  is_default: z.boolean(),
  settings: Settings,
  created_by: Actor,
  created_at: moment,
  updated_at: moment,
  suspended_at: nullableMoment,
  deleted_at: nullableMoment,
  confirmation: Confirmation.optional(),
});

export const WorkspaceCreate = z.strictObject({
  name: z.string(),
  slug: z.string().optional(),
  settings: givenSettings.optional(),
});
export const WorkspacePatch = WorkspaceCreate.partial().extend({ confirm });

export const Owner = z.object({
  id: uuid,
  workspace_id: uuid,
  owner_id: z.string(),
  type: z.string().nullable(),
  name: z.string().nullable(),
  metadata,
  limits: z.array(Limit).nullable(),
  credits: Credits.nullable().describe('Shared by all its keys that have none of their own.'),
  created_at: moment,
  updated_at: moment,
  suspended_at: nullableMoment,
  erased_at: nullableMoment.describe(
    'When its erasure began. Once it is done, owner_id is the id itself.',
  ),
  confirmation: Confirmation.optional(),
});

export const OwnerPatch = z.strictObject({
  type: z.string().nullable().optional(),
  name: z.string().nullable().optional(),
  metadata: metadata.optional(),
  limits: givenLimits
    .nullable()
    .optional()
    .describe('Shared by its keys, in place of owner_limits of its workspace.'),
  credits: givenCredits.nullable().optional(),
  confirm,
});
export const OwnerPut = OwnerPatch.extend({ workspace_id: givenUuid.optional() });

export const Member = z.object({
  id: uuid,
  workspace_id: uuid,
  issuer: z.string(),
  subject: z.string(),
  role: z.enum(ROLES),
  name: z.string().nullable(),
  source: z
    .enum(['api', 'claim'])
    .describe('Who said its role. Claims that it signs in with change only a role that they gave.'),
  created_at: moment,
  updated_at: moment,
  removed_at: nullableMoment,
  confirmation: Confirmation.optional(),
});

export const MemberAdd = z.strictObject({
  workspace_id: givenUuid
    .optional()
    .describe('The workspace, for a key of the instance; without it `default`.'),
  issuer: z.string().describe('The `iss` of its tokens, exactly as they have it.'),
  subject: z.string().describe('The `sub` of its tokens; never an e-mail address.'),
  role: z.enum(ROLES),
  name: z.string().nullable().optional(),
});

export const MemberPatch = z.strictObject({
  role: z.enum(ROLES).optional(),
  name: z.string().nullable().optional(),
  confirm,
});

export const Event = z.object({
  id: uuid,
  workspace_id: uuid.nullable(),
  number: z
    .int()
    .nullable()
    .describe(
      'Its place in the chain of its workspace or of the instance; null until it is sealed.',
    ),
  mac: z.string().nullable().describe('The MAC that seals it there, over the one before it.'),
  type: z.string(),
  created_at: moment,
  actor: Actor,
  origin: z.object({
    address: z.string().nullable(),
    request_id: z.string().nullable(),
    shared_credential: z.string().nullable(),
  }),
  subject: z.object({ type: z.string(), id: z.string() }),
  before: metadata.nullable(),
  after: metadata.nullable(),
  erased_at: nullableMoment.describe('When personal data was erased from it.'),
});

export const Whoami = z.object({
  identity: Actor,
  kind: z.enum(KEY_KINDS).nullable(),
  instance: z.boolean().describe('Whether it acts in every workspace.'),
  workspace: z.object({ id: uuid, name: z.string(), slug: z.string() }).nullable(),
  permissions: z.array(z.string()),
  key: Key.nullable(),
});

function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    next: z
      .string()
      .nullable()
      .describe(
        'Cursor for `after`; null at the end. A page may be short, even empty, and have one.',
      ),
    prev: z.string().nullable().describe('Cursor for `before`; null at the beginning.'),
    total: z
      .int()
      .optional()
      .describe('With include=total: how many there are in all, or at least so many.'),
    total_is_exact: z
      .boolean()
      .optional()
      .describe('With include=total: whether there are no more. Counting ends at 10,000.'),
  });
}
export const KeyPage = pageOf(Key);
export const WorkspacePage = pageOf(Workspace);
export const OwnerPage = pageOf(Owner);
export const MemberPage = pageOf(Member);
export const EventPage = pageOf(Event);

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
});

export const Health = z.object({
  status: z.string(),
  reason: z.string().optional(),
  promise: z
    .object({
      bound_ms: z
        .number()
        .int()
        .describe('After how long no verdict is of before a change that was acknowledged.'),
      feed: z.enum(['up', 'down']),
      age_ms: z
        .number()
        .int()
        .nullable()
        .describe('For how long it has not been certain that every change was heard.'),
    })
    .optional(),
});
