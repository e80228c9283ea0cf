// Cobo's Agentic Wallet API as its page of April 2026 has it: principals manage
// their own keys, and a service credential makes the first of them.

import { WarderError } from '@warder/core';
import type { Admission } from '../../admission.ts';
import { wordOf } from '../../credentials.ts';
import { type Dialect, dialectKind } from '../../dialect.ts';
import { documentRoute } from '../../document-route.ts';
import { errors } from './errors.ts';
import { keyRoutes } from './keys.ts';
import { principalRoutes } from './principals.ts';
import * as schemas from './schemas.ts';
import { COBO_FORMAT, coboFormat, TOKEN_PREFIX } from './token.ts';

const API_KEY = 'X-API-Key';
const SERVICE_KEY = 'X-Assistant-Service-Key';

const PRINCIPALS: Admission = {
  managementKeys: null,
  ordinaryKeys: { format: COBO_FORMAT, may: 'manage_own' },
  members: null,
  shared: null,
  anyone: false,
  bounds: { kind: 'standard', deleted: 'there' },
};
const BOOTSTRAP: Admission = { ...PRINCIPALS, shared: 'cobo' };
const SERVICE: Admission = { ...BOOTSTRAP, ordinaryKeys: null };

export const cobo = dialectKind({
  name: 'cobo',
  options: { token_prefix: TOKEN_PREFIX },
  sharedCredential: { leastLength: 32, workspaces: 'one' },
  make({ token_prefix }): Dialect {
    return {
      name: 'cobo',
      title: 'Cobo API keys',
      description: 'The API key routes of the Cobo Agentic Wallet, served by Warder.',
      base: '/cobo/api/v1',
      originalBase: '/api/v1',
      routes: [
        ...keyRoutes(coboFormat(token_prefix), BOOTSTRAP),
        ...principalRoutes(SERVICE),
        documentRoute,
      ],
      schemas,
      security: {
        apiKey: { type: 'apiKey', in: 'header', name: API_KEY },
        serviceKey: { type: 'apiKey', in: 'header', name: SERVICE_KEY },
      },
      mediaType: 'application/json',
      errorMediaType: 'application/json',
      errorSchema: schemas.ErrorBody,
      admits: PRINCIPALS,
      strict: false,
      versioned: false,
      indent: 0,
      replayStatus: 200,
      confirming: null,
      cors: null,
      credential(headers) {
        const key = wordOf(headers, API_KEY);
        const service = wordOf(headers, SERVICE_KEY);
        if (key !== null && service !== null) {
          throw new WarderError('unauthenticated', `Send ${API_KEY} or ${SERVICE_KEY}, not both.`, {
            refusal: 'unreadable',
          });
        }
        if (service !== null) return { kind: 'shared', text: service };
        return key === null ? null : { kind: 'key', text: key };
      },
      errors,
    };
  },
});
