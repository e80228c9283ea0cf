// Phaseo's management API as its guide of March 2026 has it: an ordinary key, or a
// management key, manages the keys of its team.

import type { Admission } from '../../admission.ts';
import { type Dialect, dialectKind } from '../../dialect.ts';
import { documentRoute } from '../../document-route.ts';
import { phaseoCredential } from '../../phaseo-refusal.ts';
import { PHASEO_FORMAT, phaseoFormat, TOKEN_PREFIX } from '../../phaseo-token.ts';
import { errors } from './errors.ts';
import { keyRoutes } from './keys.ts';
import * as schemas from './schemas.ts';

const MANAGERS: Admission = {
  managementKeys: { ofInstance: 'default_workspace' },
  ordinaryKeys: { format: PHASEO_FORMAT, may: 'manage_workspace' },
  members: null,
  shared: null,
  anyone: false,
  bounds: { kind: 'standard', deleted: 'gone' },
};

export const phaseoManagement = dialectKind({
  name: 'phaseo-management',
  options: { token_prefix: TOKEN_PREFIX },
  make({ token_prefix }): Dialect {
    return {
      name: 'phaseo-management',
      title: 'Phaseo management keys',
      description: 'The key routes of the earlier Phaseo management API, served by Warder.',
      base: '/phaseo/v1/management',
      originalBase: '/v1/management',
      routes: [...keyRoutes(phaseoFormat(token_prefix)), documentRoute],
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
        'access-control-allow-headers': 'Authorization, Content-Type',
        'access-control-max-age': '86400',
      },
      credential: (headers) => phaseoCredential(headers, token_prefix),
      errors,
    };
  },
});
