// The native API: JSON in snake_case, a key as `Authorization: Bearer` or
// `X-API-Key`, errors as problem documents.

import { WarderError } from '@warder/core';
import type { Dialect, RequestHeaders } from '../../dialect.ts';
import { errors } from './errors.ts';
import { eventRoutes } from './events.ts';
import { keyRoutes } from './keys.ts';
import { memberRoutes } from './members.ts';
import { ownerRoutes } from './owners.ts';
import * as schemas from './schemas.ts';
import { serviceRoutes } from './service.ts';
import { workspaceRoutes } from './workspaces.ts';

export const native: Dialect = {
  name: 'native',
  title: 'Warder',
  description:
    'Issue, list, inspect, update, disable, revoke and verify API keys. Call it with a management key; errors are problem documents (RFC 9457).',
  routes: [
    ...keyRoutes,
    ...workspaceRoutes,
    ...ownerRoutes,
    ...memberRoutes,
    ...eventRoutes,
    ...serviceRoutes,
  ],
  schemas,
  security: {
    bearer: { type: 'http', scheme: 'bearer' },
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  },
  mediaType: 'application/json',
  errorMediaType: 'application/problem+json',
  errorSchema: schemas.Problem,
  credential,
  errors,
};

function credential(headers: RequestHeaders): string | null {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (authorization !== undefined && apiKey !== undefined) {
    throw new WarderError(
      'bad_request',
      'Two credentials at once: send the key as Authorization or as X-API-Key, not both.',
    );
  }
  if (authorization === undefined)
    return apiKey === undefined ? null : oneWord('X-API-Key', apiKey);
  const [, scheme, token] = /^(\S+)(?: +(.*))?$/.exec(authorization.trim()) ?? [];
  if (scheme?.toLowerCase() !== 'bearer') {
    throw new WarderError('unauthenticated', 'Send the key as `Authorization: Bearer <key>`.');
  }
  return oneWord('Authorization', token ?? '');
}

// Two values that something on the way joined into one are not a credential.
function oneWord(header: string, value: string): string {
  if (/[\s,]/.test(value.trim())) {
    throw new WarderError(
      'bad_request',
      `The header ${header} must hold one key and nothing else.`,
    );
  }
  return value.trim();
}
