// OnePin's key API as its page and its client of June 2026 have it: members of a
// workspace manage its keys, signed in with a token of their issuer.

import { WarderError } from '@warder/core';
import type { Admission, Credential } from '../../admission.ts';
import { bearerToken, keyOrJwt } from '../../credentials.ts';
import { type Dialect, dialectKind, type RequestHeaders } from '../../dialect.ts';
import { documentRoute } from '../../document-route.ts';
import { authRoutes } from './auth.ts';
import { ANY_SCOPE, keyBodies, ONEPIN_SCOPES } from './bodies.ts';
import { errors } from './errors.ts';
import { keyRoutes } from './keys.ts';
import * as schemas from './schemas.ts';
import { ONEPIN_FORMAT, onepinFormat, TOKEN_PREFIX } from './token.ts';

/** Its own keys are known everywhere, and may do nothing but ask who they are, each call of theirs within its limit. */
const MEMBERS: Admission = {
  managementKeys: null,
  ordinaryKeys: { format: ONEPIN_FORMAT, may: 'ask', limited: true },
  members: 'all_keys',
  shared: null,
  anyone: false,
  bounds: { kind: 'standard', deleted: 'there' },
};

export const onepin = dialectKind({
  name: 'onepin',
  options: {
    token_prefix: TOKEN_PREFIX,
    scopes: {
      default: ONEPIN_SCOPES.join(' '),
      meaning: `the scopes that a key may have, with spaces between them, or \`${ANY_SCOPE}\``,
      pattern: /^[!#-'*+\--[\]^-~]+(?: [!#-'*+\--[\]^-~]+)*$/,
    },
    offset: {
      default: 'rows',
      meaning: 'what `offset` counts: `rows`, or `pages` as the example of the page has it',
      pattern: /^(?:rows|pages)$/,
    },
  },
  make({ token_prefix, scopes, offset }): Dialect {
    const bodies = keyBodies(scopes);
    return {
      name: 'onepin',
      title: 'OnePin API keys',
      description: 'The API-key routes of the OnePin API, served by Warder.',
      base: '/onepin/api/v1',
      originalBase: '/api/v1',
      routes: [
        ...keyRoutes({
          format: onepinFormat(token_prefix),
          bodies,
          pages: offset === 'pages',
        }),
        ...authRoutes,
        documentRoute,
      ],
      schemas: { ...schemas, ApiKeyCreate: bodies.create, ApiKeyUpdate: bodies.update },
      security: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      mediaType: 'application/json',
      errorMediaType: 'application/json',
      errorSchema: schemas.ApiErrorResponse,
      admits: MEMBERS,
      strict: false,
      versioned: false,
      indent: 0,
      replayStatus: null,
      confirming: null,
      cors: null,
      credential,
      errors,
    };
  },
});

function credential(headers: RequestHeaders): Credential | null {
  const token = bearerToken(headers);
  if (token === null) return null;
  const workspace = headers['x-workspace-id']?.trim() || undefined;
  if (workspace === undefined || /^[a-z0-9-]{1,50}$/i.test(workspace)) {
    return { ...keyOrJwt(token), workspace };
  }
  throw new WarderError('bad_request', 'X-Workspace-Id must be the id of a workspace.', {
    part: 'header',
  });
}
