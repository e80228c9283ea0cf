// nginx with the configuration of examples/gateway-nginx.

import { describe } from 'vitest';
import { isInstalled } from '../kit/real-gateway.ts';
import { guarantees } from './guarantees.ts';

const nginx = {
  command: 'nginx',
  args: ['-p', '.', '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'],
  example: 'gateway-nginx',
  file: 'nginx.conf',
};

describe.runIf(isInstalled('nginx'))('behind nginx', () =>
  guarantees(nginx, { two_keys: 403, path_ambiguous: 403 }),
);
