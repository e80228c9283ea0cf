// The native API: JSON in snake_case, a key as `Authorization: Bearer` or
// `X-API-Key`, errors as problem documents.

import { WarderError } from '@warder/core';
import type { Admission, Credential } from '../../admission.ts';
import { bearerToken, keyOrJwt, wordOf } from '../../credentials.ts';
import type { Dialect, RequestHeaders } from '../../dialect.ts';
import { Confirm, Confirmation, confirming } from './confirmation.ts';
import { errors } from './errors.ts';
import { eventRoutes } from './events.ts';
import { fastVerify } from './fast-verify.ts';
import { keyRoutes } from './keys.ts';
import { Limit, LimitDraft, LimitFigure, LimitTake, LimitTaken } from './limit-schemas.ts';
import { limitRoutes } from './limits.ts';
import { memberRoutes } from './members.ts';
import { ownerRoutes } from './owners.ts';
import * as schemas from './schemas.ts';
import { serviceRoutes } from './service.ts';
import { usageRoutes } from './usage.ts';
import * as usageSchemas from './usage-schemas.ts';
import * as verdictSchemas from './verdict-schemas.ts';
import { verdictRoutes } from './verdicts.ts';
import { workspaceRoutes } from './workspaces.ts';

const ADMITS: Admission = {
  managementKeys: { ofInstance: 'everywhere' },
  ordinaryKeys: { format: null, may: 'ask' },
  members: 'all_keys',
  shared: null,
  anyone: false,
  bounds: { kind: null, deleted: 'there' },
};

export const native: Dialect = {
  name: 'native',
  title: 'Warder',
  description:
    'Issue, list, inspect, update, disable, revoke and verify API keys. Call it with a management key; errors are problem documents (RFC 9457).',
  base: '',
  originalBase: '',
  routes: [
    ...verdictRoutes,
    ...limitRoutes,
    ...keyRoutes,
    ...workspaceRoutes,
    ...ownerRoutes,
    ...memberRoutes,
    ...eventRoutes,
    ...usageRoutes,
    ...serviceRoutes,
  ],
  schemas: {
    ...schemas,
    ...{ Confirm, Confirmation },
    ...{ Limit, LimitDraft, LimitFigure, LimitTake, LimitTaken },
    ...usageSchemas,
    ...verdictSchemas,
  },
  security: {
    bearer: { type: 'http', scheme: 'bearer' },
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  },
  mediaType: 'application/json',
  errorMediaType: 'application/problem+json',
  errorSchema: schemas.Problem,
  admits: ADMITS,
  strict: true,
  versioned: true,
  indent: 0,
  replayStatus: null,
  cors: null,
  confirming,
  credential,
  errors,
  fast: fastVerify(credential, ADMITS),
};

function credential(headers: RequestHeaders): Credential | null {
  if (headers.authorization !== undefined && headers['x-api-key'] !== undefined) {
    throw new WarderError(
      'bad_request',
      'Two credentials at once: send the key as Authorization or as X-API-Key, not both.',
    );
  }
  const apiKey = wordOf(headers, 'X-API-Key');
  const token = bearerToken(headers);
  const workspace = wordOf(headers, 'X-Workspace-Id') ?? undefined;
  if (apiKey !== null) return { kind: 'key', text: apiKey, workspace };
  return token === null ? null : { ...keyOrJwt(token), workspace };
}
