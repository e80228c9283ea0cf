// Envoy's external authorization over HTTP (ext_authz, http_service): it asks with the
// method and path of the request it holds back, lets it through on 200, and gives the
// client the status of any other answer but 5xx. Those it takes for a failure, which
// `failure_mode_allow` lets through: so nothing here is one.

import type { GatewayKind } from '../gateway.ts';
import { STATUSES } from '../gateway-refusals.ts';

export const envoy: GatewayKind = {
  name: 'envoy',
  original: null,
  statuses: { ...STATUSES, unavailable: 403 },
};
