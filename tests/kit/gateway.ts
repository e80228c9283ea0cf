// A service that answers a gateway, and what a gateway would ask it: sub-requests as
// nginx, Traefik, Caddy and Envoy send them, byte for byte as far as a test decides.

import { Agent } from 'node:http';
import { parseGatewayPlan } from '../../packages/server/src/gateway-plan.ts';
import { listenToHeads } from '../../packages/server/src/listen.ts';
import type { ListenAddress } from '../../packages/server/src/listen-address.ts';
import { exchange, type Received } from './http.ts';
import type { Service } from './service.ts';

export const IDENTITY = [
  'x-warder-key-id',
  'x-warder-workspace-id',
  'x-warder-owner-id',
  'x-warder-scopes',
  'x-warder-environment',
] as const;

/** Rules of a small API, for tests that say no others. */
export const PLAN = {
  kind: 'forward-auth',
  environment: 'live',
  workspace: 'default',
  rules: [
    { methods: ['GET'], path: '/v1/files/**', scopes: ['files:read'] },
    { methods: ['PUT'], path: '/v1/files/*', scopes: ['files:read', 'files:write'] },
    { path: '/v1/admin/**', scopes: ['admin'] },
    { path: '/v1/me', scopes: [] },
  ],
};

export type Gateway = Awaited<ReturnType<typeof openGateway>>;

/** The request of a client that a gateway holds back. */
export interface HeldBack {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function openGateway(
  service: Service,
  more: object = {},
  secret: string | null = null,
  at: ListenAddress = { host: '127.0.0.1', port: 0 },
) {
  const plan = parseGatewayPlan(JSON.stringify({ ...PLAN, ...more }));
  const answer = await service.warder.gateway(plan, secret);
  if (answer === null) throw new Error('there is no such workspace');
  const listener = await listenToHeads({ answer, at });
  const agent = new Agent({ keepAlive: true });
  const send = async (method: string, path: string, headers: Readonly<Record<string, string>>) => {
    const reply = await exchange(listener.url, agent, { method, path, headers, body: undefined });
    const said = JSON.stringify(reply);
    const leak = service.canaries.findIn(said);
    if (leak !== null) throw new Error(`told ${leak} in ${said}`);
    return reply;
  };
  return {
    url: listener.url,
    answer,
    /** Sends a sub-request exactly so. */
    send,
    /** Asks as this gateway does. */
    ask({ method = 'GET', path = '/v1/files/a', headers = {} }: HeldBack): Promise<Received> {
      const { original } = plan.kind;
      if (original === null) return send(method, path, headers);
      return send('GET', '/', { ...headers, [original.method]: method, [original.target]: path });
    },
    async close() {
      agent.destroy();
      await listener.close();
    },
  };
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
export const reasonOf = ({ headers }: Received) => headers['x-warder-reason'];
