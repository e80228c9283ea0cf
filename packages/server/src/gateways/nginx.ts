// nginx's auth_request: it understands 2xx, 401 and 403 and makes 500 of anything
// else, so each refusal is one of those two and its reason stands in a header. What it
// holds back is told in headers that the example configuration sets.

import type { GatewayKind } from '../gateway.ts';

export const nginx: GatewayKind = {
  name: 'nginx',
  original: { method: 'x-original-method', target: 'x-original-uri' },
  statuses: {
    no_key: 401,
    two_keys: 403,
    invalid_key: 401,
    revoked: 401,
    suspended: 401,
    disabled: 401,
    soft_blocked: 401,
    expired: 401,
    not_yet_valid: 401,
    forbidden_ip: 403,
    insufficient_scope: 403,
    rate_limited: 403,
    insufficient_credits: 403,
    path_not_named: 403,
    path_ambiguous: 403,
    unavailable: 403,
    wrong_gateway_secret: 403,
    not_from_a_gateway: 403,
  },
};
