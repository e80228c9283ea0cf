// Caddy with the configuration of examples/gateway-caddy.

import { describe } from 'vitest';
import { isInstalled } from '../kit/real-gateway.ts';
import { guarantees } from './guarantees.ts';

const caddy = {
  command: 'caddy',
  args: ['run', '--config', 'Caddyfile'],
  example: 'gateway-caddy',
  file: 'Caddyfile',
};

describe.runIf(isInstalled('caddy'))('behind Caddy', () =>
  guarantees(caddy, { two_keys: 400, path_ambiguous: 400 }),
);
