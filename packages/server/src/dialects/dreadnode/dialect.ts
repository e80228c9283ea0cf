// Dreadnode's API for a user's own keys, as its page and its client of 2026 have it:
// who signed in with a token makes and revokes them, and a key can end itself.

import type { Admission, Credential } from '../../admission.ts';
import { bearerToken, wordOf } from '../../credentials.ts';
import { type Dialect, dialectKind, type RequestHeaders } from '../../dialect.ts';
import { documentRoute } from '../../document-route.ts';
import { errors } from './errors.ts';
import { keyRoutes } from './keys.ts';
import * as schemas from './schemas.ts';
import { DREADNODE_FORMAT, dreadnodeFormat, TOKEN_PREFIX } from './token.ts';
import { userRoutes } from './user.ts';

/** Its own keys are known everywhere, and may do nothing but ask who they are and end themselves. */
const USERS: Admission = {
  managementKeys: null,
  ordinaryKeys: { format: DREADNODE_FORMAT, may: 'ask' },
  members: 'own_keys',
  shared: null,
  anyone: false,
  bounds: { kind: 'standard', deleted: 'there' },
};

export const dreadnode = dialectKind({
  name: 'dreadnode',
  options: { token_prefix: TOKEN_PREFIX },
  make({ token_prefix }): Dialect {
    return {
      name: 'dreadnode',
      title: 'Dreadnode user API keys',
      description: "The routes of a user's own keys of the Dreadnode API, served by Warder.",
      base: '/dreadnode/api/v1',
      originalBase: '/api/v1',
      routes: [...keyRoutes(dreadnodeFormat(token_prefix)), ...userRoutes, documentRoute],
      schemas,
      security: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      mediaType: 'application/json',
      errorMediaType: 'application/json',
      errorSchema: schemas.ApiError,
      admits: USERS,
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

/** Of both the token counts: the client sends its key with every call, and a token where it means that. */
function credential(headers: RequestHeaders): Credential | null {
  const token = bearerToken(headers);
  const key = wordOf(headers, 'X-API-Key');
  const workspace = wordOf(headers, 'X-Workspace-Id') ?? undefined;
  if (token !== null) return { kind: 'jwt', text: token, workspace };
  return key === null ? null : { kind: 'key', text: key, workspace };
}
