// Forward authentication, as Traefik, Caddy and the Lua script of our HAProxy example
// ask for it: the request that is held back is told in X-Forwarded-Method and
// X-Forwarded-Uri, and any answer but 2xx goes to the client as it is.

import type { GatewayKind } from '../gateway.ts';
import { STATUSES } from '../gateway-refusals.ts';

export const forwardAuth: GatewayKind = {
  name: 'forward-auth',
  original: { method: 'x-forwarded-method', target: 'x-forwarded-uri' },
  statuses: STATUSES,
};
