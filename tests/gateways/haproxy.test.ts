// HAProxy with the configuration and the Lua script of examples/gateway-haproxy.

import { describe } from 'vitest';
import { isInstalled } from '../kit/real-gateway.ts';
import { guarantees } from './guarantees.ts';

const haproxy = {
  command: 'haproxy',
  args: ['-db', '-f', 'haproxy.cfg'],
  example: 'gateway-haproxy',
  file: 'haproxy.cfg',
};

describe.runIf(isInstalled('haproxy'))('behind HAProxy', () =>
  guarantees(haproxy, { two_keys: 400, path_ambiguous: 400 }),
);
