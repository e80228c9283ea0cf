// The bodies and parameters of Cobo's API, in the order of its pages.

import { z } from 'zod';
import { Detail, missingOr, RULES, text, whole } from './validation.ts';

const moment = z.iso.datetime();
const OBJECT = { type: 'object', additionalProperties: true };
const BEYOND = 2n ** 63n - 1n;

export const ApiKey = z.object({
  id: z.uuid(),
  principal_id: z.uuid(),
  name: z.string(),
  key_prefix: z.string(),
  scopes: z.array(z.string()),
  expires_at: moment.nullable(),
  last_used_at: moment.nullable(),
  is_revoked: z.boolean(),
  revoked_at: moment.nullable(),
  created_at: moment,
  updated_at: moment,
  delegation_id: z.uuid().nullable(),
  pact_id: z.uuid().nullable(),
});

export const Principal = z.object({
  id: z.uuid(),
  external_id: z.string(),
  type: z.string().nullable(),
  name: z.string().nullable(),
  metadata: z.record(z.string(), z.json()).meta({ wire: OBJECT }),
  created_at: moment,
  updated_at: moment,
});

/** An offset may be beyond what is a safe integer. */
const count = z.number().meta({ wire: { type: ['integer', 'null'] } });

export const Meta = z.object({
  total: count.nullable(),
  offset: count.nullable(),
  limit: count.nullable(),
  has_more: z.boolean().nullable(),
  after: z.string().nullable(),
  before: z.string().nullable(),
});

/** The one envelope of every success, in the order of its page. */
function enveloped<Result extends z.ZodType, Paging extends z.ZodType>(
  result: Result,
  meta: Paging,
) {
  return z.object({
    result,
    success: z.literal(true),
    suggestion: z.string(),
    message: z.string(),
    meta,
  });
}

export const ApiKeyList = enveloped(z.array(ApiKey), Meta);
export const CreatedApiKey = enveloped(
  z.object({ api_key: ApiKey, raw_key: z.string() }),
  z.null(),
);
export const Revoked = enveloped(z.object({ revoked: z.literal(true) }), z.null());
export const PrincipalList = enveloped(z.array(Principal), Meta);
export const EnsuredPrincipal = enveloped(Principal.extend({ created: z.boolean() }), z.null());

const cursors = {
  after: z.string().optional().describe('The `after` of a page: what comes behind it.'),
  before: z.string().optional().describe('The `before` of a page: what comes in front of it.'),
};
const limit = whole(1n, 200n).default(50);
export const KeyPage = z.object({
  ...cursors,
  offset: whole(0n, BEYOND).optional().describe('Deprecated. Use after/before cursors instead.'),
  limit,
});

const uuid = z
  .string({ error: missingOr(RULES.string_type) })
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, RULES.uuid_parsing)
  .toLowerCase()
  .meta({ wire: { type: 'string', format: 'uuid' } });

export const KeyAddress = z.object({ api_key_id: uuid });

/** ISO 8601; UTC where it names no zone. */
const expiry = z
  .string({ error: RULES.datetime_parsing })
  .transform((given, context) => {
    const [, date, time, zone = 'Z'] = MOMENT.exec(given.trim()) ?? [];
    const at = Date.parse(`${date}T${time}${zone}`);
    if (!Number.isNaN(at)) return at;
    context.addIssue({ code: 'custom', message: RULES.datetime_parsing });
    return z.NEVER;
  })
  .meta({ wire: { type: 'string', format: 'date-time' } });
const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?$/i;

const object = { error: RULES.model_attributes_type };

export const ApiKeyCreate = z.object(
  {
    principal_id: uuid.nullish(),
    name: text(),
    scopes: z.array(z.string({ error: RULES.string_type }), { error: RULES.list_type }).nullish(),
    expires_at: expiry.nullish(),
  },
  object,
);

const type = z.enum(['human', 'agent'], { error: missingOr(RULES.enum) });

export const PrincipalPage = z.object({ ...cursors, limit, type: type.optional() });
export const PrincipalCreate = z.object(
  {
    external_id: text(),
    type,
    name: text(),
    metadata: z
      .record(z.string(), z.json(), { error: RULES.dict_type })
      .nullish()
      .meta({ wire: { ...OBJECT, type: ['object', 'null'] } }),
  },
  object,
);

const failed = z.literal(false);
export const ErrorBody = z.union([
  z.object({ success: failed, error: z.string(), suggestion: z.string() }),
  z.object({ success: failed, error: z.object({ detail: z.array(Detail) }) }),
  z.object({
    success: failed,
    error: z.object({
      code: z.string(),
      reason: z.string(),
      details: z.record(z.string(), z.json()).meta({ wire: OBJECT }),
      suggestion: z.string(),
    }),
    suggestion: z.string(),
  }),
]);
