// Phaseo's gateway API as its page `keys-list` of April 2026 has it: management keys
// manage the keys of a workspace.

import type { Admission } from '../../admission.ts';
import { type Dialect, dialectKind } from '../../dialect.ts';
import { documentRoute } from '../../document-route.ts';
import { phaseoCredential } from '../../phaseo-refusal.ts';
import { PHASEO_FORMAT, phaseoFormat, TOKEN_PREFIX } from '../../phaseo-token.ts';
import { errors } from './errors.ts';
import { keyRoutes } from './keys.ts';
import { leakRoutes } from './leaks.ts';
import * as schemas from './schemas.ts';
import { workspaceRoutes } from './workspaces.ts';

const MANAGERS: Admission = {
  managementKeys: { ofInstance: 'default_workspace' },
  ordinaryKeys: null,
  members: null,
  shared: 'phaseo',
  anyone: false,
  bounds: { kind: 'standard', deleted: 'gone' },
};
const OWN_KEY: Admission = {
  ...MANAGERS,
  managementKeys: null,
  ordinaryKeys: { format: PHASEO_FORMAT, may: 'ask' },
};
const ANYONE: Admission = { ...MANAGERS, managementKeys: null, anyone: true };

export const phaseo = dialectKind({
  name: 'phaseo',
  options: {
    token_prefix: TOKEN_PREFIX,
    scopes: {
      default: 'text',
      meaning: 'how scopes are answered: `text`, JSON within JSON as the page has it, or `array`',
      pattern: /^(?:text|array)$/,
    },
    leaks: {
      default: 'revoke',
      meaning:
        'what becomes of a key that is reported as leaked: `revoke`, or `report` to leave an event alone',
      pattern: /^(?:revoke|report)$/,
    },
  },
  sharedCredential: { leastLength: 128, workspaces: 'many' },
  make({ token_prefix, scopes, leaks }): Dialect {
    const look = {
      format: phaseoFormat(token_prefix),
      scopes: scopes === 'array' ? 'array' : 'text',
    } as const;
    return {
      name: 'phaseo',
      title: 'Phaseo keys',
      description: 'The key routes of the Phaseo gateway API, served by Warder.',
      base: '/phaseo/v1',
      originalBase: '/v1',
      routes: [
        ...keyRoutes(look, OWN_KEY),
        ...workspaceRoutes,
        ...leakRoutes(ANYONE, leaks === 'revoke'),
        documentRoute,
      ],
      schemas,
      security: { bearer: { type: 'http', scheme: 'bearer' } },
      mediaType: 'application/json',
      errorMediaType: 'application/json',
      errorSchema: schemas.ErrorBody,
      admits: MANAGERS,
      strict: false,
      versioned: false,
      indent: 2,
      replayStatus: null,
      confirming: null,
      cors: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
        'access-control-allow-headers':
          'Authorization, Content-Type, X-AIStats-Internal-Token, X-AI-Stats-Internal-Token, X-Internal-Token',
        'access-control-max-age': '86400',
      },
      credential(headers) {
        const credential = phaseoCredential(headers, token_prefix);
        const beside = INTERNAL.map((name) => headers[name]).find((value) => value !== undefined);
        return credential && { ...credential, beside };
      },
      errors,
    };
  },
});

const INTERNAL = ['x-aistats-internal-token', 'x-ai-stats-internal-token', 'x-internal-token'];
