// The routes of usage: figures of everything, a workspace, an owner or a key, and why
// a key is good or not.

import {
  COUNTED_REFUSALS,
  type Counts,
  type ExplainedKey,
  moment,
  startOf,
  type Usage,
  type UsageRange,
} from '@warder/core';
import type { z } from 'zod';
import { type Answer, route } from '../../dialect.ts';
import * as parameters from './parameters.ts';
import * as schemas from './usage-schemas.ts';
import { verdictBody } from './verdicts.ts';

const FIGURES =
  'By hour, day or month, in UTC, each of them in the reply. What was verified in the last second may be missing.';

export const usageRoutes = [
  route({
    method: 'GET',
    path: '/v1/usage',
    operationId: 'getUsage',
    summary: 'Get usage',
    description: `How often keys were verified with which verdict: those of one key, or standard keys together: an owner's, a workspace's, or all there are. ${FIGURES}`,
    permission: 'usage:read',
    query: parameters.UsageQuery,
    queryFinds: true,
    replies: { 200: schemas.Usage },
    run: ({ operations, query }) =>
      operations.getUsage({
        workspaceId: query.workspace_id,
        ownerId: query.owner_id,
        keyId: query.key_id,
        ...rangeOf(query),
      }),
    out: usageAnswer,
  }),
  route({
    method: 'GET',
    path: '/v1/keys/{id}/usage',
    operationId: 'getKeyUsage',
    summary: "Get a key's usage",
    description: `How often the key was verified with which verdict. ${FIGURES}`,
    permission: 'usage:read',
    params: parameters.IdParams,
    query: parameters.UsageRangeQuery,
    replies: { 200: schemas.Usage },
    run: ({ operations, params, query }) =>
      operations.getUsage({ keyId: params.id, ...rangeOf(query) }),
    out: usageAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/keys/{id}/explain',
    operationId: 'explainKey',
    summary: 'Explain a verdict',
    description:
      'The verdict that a verification by this caller would give, now or at another moment, with every check behind it and the last refusals of the key. It takes keys of every state, counts nothing and spends nothing.',
    permission: 'keys:read',
    params: parameters.IdParams,
    body: schemas.KeyExplain,
    bodyOptional: true,
    asks: true,
    replies: { 200: schemas.Explanation },
    run: ({ operations, params, body: { workspace_id: workspaceId, ...asked } }) =>
      operations.explainKey(params.id, { ...asked, workspaceId }),
    out: ({ verdict, checks, at, lastRefusals }: ExplainedKey) => ({
      status: 200,
      body: {
        at: moment(at),
        verdict: verdictBody(verdict),
        checks,
        last_refusals: lastRefusals.map((one) => ({
          at: moment(one.at),
          code: one.code,
          missing_scopes: one.missingScopes,
          ip: one.address,
        })),
      },
    }),
  }),
];

function rangeOf({ from, to, step }: z.output<typeof parameters.UsageRangeQuery>): UsageRange {
  return { from, to, step };
}

function usageAnswer({ span, buckets, sum }: Usage): Answer {
  const { step, from, to } = span;
  return {
    status: 200,
    body: {
      step,
      from: moment(startOf(step, from)),
      to: moment(startOf(step, to)),
      ...figures(sum),
      data: buckets.map(({ bucket, counts }) => ({
        start: moment(startOf(step, bucket)),
        ...figures(counts),
      })),
    },
  };
}

/** Only refusals that there were are named. */
function figures(counts: Counts) {
  const refused = COUNTED_REFUSALS.filter((code) => counts[code] > 0);
  return {
    total: refused.reduce((sum, code) => sum + counts[code], counts.valid),
    valid: counts.valid,
    refused: Object.fromEntries(refused.map((code) => [code, counts[code]])),
  };
}
