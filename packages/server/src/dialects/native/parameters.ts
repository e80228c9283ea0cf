// The parameters of the native API: of paths, of lists, and the values that bodies
// take as well. An unknown one is refused.

import {
  DEFAULT_LIMIT,
  ENVIRONMENTS,
  EVENT_TYPES,
  KEY_KINDS,
  KEY_SORTS,
  KEY_STATUSES,
  MAX_BUCKETS,
  ROLES,
  USAGE_STEPS,
} from '@warder/core';
import { z } from 'zod';

const MAX_LIMIT = 200;
const LIMIT_RULE = `must be a whole number from 1 to ${MAX_LIMIT}`;
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export const givenMoment = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .refine((at) => at >= 0 && at <= LATEST, 'must be between the years 1970 and 9999');
export const givenUuid = z.uuid().toLowerCase();

export const IdParams = z.object({ id: z.string() });
export const LimitParams = z.object({ name: z.string() });
export const OwnerParams = z.object({ owner_id: z.string() });

export const WorkspaceQuery = z.strictObject({ workspace_id: givenUuid.optional() });

export const PageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/, LIMIT_RULE)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= MAX_LIMIT, LIMIT_RULE)
    .optional()
    .meta({ wire: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT } }),
  after: z.string().optional(),
  before: z.string().optional(),
  include: z.literal('total').optional(),
});

const flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .meta({ wire: { type: 'boolean', default: false } });

export const KeyQuery = z.strictObject({ include_deleted: flag.optional() });

const statuses = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(KEY_STATUSES)))
  .meta({
    wire: { type: 'string', example: 'active,not_yet_valid' },
    description: `Any of these, separated by commas: ${KEY_STATUSES.join(', ')}.`,
  });
const search = z
  .string()
  .meta({ wire: { type: 'string', minLength: 3, maxLength: 200 } })
  .optional();
const created = {
  created_after: givenMoment.optional().describe('From this moment on.'),
  created_before: givenMoment.optional().describe('Before this moment.'),
};
const BY_DAY = 'By whole days, UTC: the moment stands for its day.';
const METADATA = 'metadata.';

/** Also takes `metadata.<name>`, as many as the workspace declares. */
export const KeyPageQuery = z
  .looseObject({
    ...PageQuery.shape,
    workspace_id: givenUuid.optional(),
    status: statuses.optional(),
    kind: z.enum(KEY_KINDS).optional(),
    owner_id: z.string().optional(),
    scope: z.string().optional().describe('Keys that have this very scope.'),
    environment: z.enum(ENVIRONMENTS).optional(),
    created_by: z.string().optional().describe('Id of the key, member or service that made it.'),
    expires_after: givenMoment
      .optional()
      .describe('From this moment on; keys that never expire are left out.'),
    expires_before: givenMoment.optional().describe('Before this moment.'),
    ...created,
    last_used_after: givenMoment.optional().describe(`From this day on. ${BY_DAY}`),
    last_used_before: givenMoment
      .optional()
      .describe(`Before this day, keys never used left out. ${BY_DAY}`),
    never_used: flag.optional(),
    search: search.describe(
      'Part of the name, the owner_id or what is shown of the key. Case and accents do not matter.',
    ),
    sort: z
      .enum(KEY_SORTS.flatMap((name) => [name, `-${name}` as const]))
      .optional()
      .describe('-created_at unless given; a minus is for the greatest first.'),
    include_deleted: flag.optional(),
  })
  .superRefine((query, context) => {
    const known = Object.keys(KeyPageQuery.shape);
    const keys = Object.keys(query).filter(
      (name) => !known.includes(name) && !name.startsWith(METADATA),
    );
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: query });
  });

export const NamePageQuery = PageQuery.extend({
  ...created,
  search: search.describe(
    'Part of its name, or of its own id, subject or slug. Case and accents do not matter.',
  ),
  sort: z.enum(['created_at', '-created_at']).optional().describe('-created_at unless given.'),
});
export const OwnerPageQuery = NamePageQuery.extend({ workspace_id: givenUuid.optional() });

export const MemberPageQuery = OwnerPageQuery.extend({ role: z.enum(ROLES).optional() });

export const MemberRemoveQuery = z.strictObject({
  keep_keys: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(givenUuid))
    .meta({
      wire: { type: 'string' },
      description: 'Ids of keys that stay as they are, separated by commas: 100 at most.',
    })
    .optional(),
});

export const WorkspaceDeleteQuery = z.strictObject({ keys: z.literal('revoke').optional() });

export const OwnerEraseQuery = WorkspaceQuery.extend({ keys: z.literal('erase').optional() });

const eventTypes = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(EVENT_TYPES)))
  .meta({ wire: { type: 'string' }, description: 'Any of these, separated by commas.' });

export const EventQuery = z.strictObject({
  workspace_id: givenUuid.optional(),
  key_id: givenUuid.optional().describe('About this key.'),
  owner_id: z
    .string()
    .optional()
    .describe(
      'About this owner or its keys. A key of the instance names the workspace by workspace_id; without it `default`.',
    ),
  actor_id: z.string().optional().describe('Made by this actor.'),
  type: eventTypes.optional(),
  created_after: givenMoment.optional().describe('From this moment on.'),
  created_before: givenMoment.optional(),
});
export const EventPageQuery = PageQuery.extend(EventQuery.shape);

export const UsageRangeQuery = z.strictObject({
  step: z.enum(USAGE_STEPS).optional().describe('day unless given.'),
  from: givenMoment
    .optional()
    .describe(
      `The hour, day or month it is in is the first. Without it the last 24 hours, 30 days or 12 months; ${MAX_BUCKETS} of them at the most.`,
    ),
  to: givenMoment.optional().describe('Before this moment; now unless given.'),
});
export const UsageQuery = UsageRangeQuery.extend({
  workspace_id: givenUuid.optional(),
  owner_id: z
    .string()
    .optional()
    .describe(
      "Of the keys that were this owner's when they were used. A key of the instance names the workspace by workspace_id; without it `default`.",
    ),
  key_id: givenUuid.optional(),
});
