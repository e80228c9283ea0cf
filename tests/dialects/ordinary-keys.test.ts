// Ordinary keys of every format at every route of every dialect: what is not allowed
// here by name is refused before anything else is looked at.

import { Agent } from 'node:http';
import { BASE62, type TokenFormat, WARDER_FORMAT } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallRoute, Dialect } from '../../packages/server/src/dialect.ts';
import { dialectsOf, PRODUCTS } from '../../packages/server/src/products.ts';
import { callerWith, INSTANCE } from '../fixtures/domain.ts';
import { exchange } from '../kit/http.ts';
import { type Service, startService } from '../kit/service.ts';

const FORMATS = ['warder', 'phaseo', 'cobo', 'dreadnode', 'onepin'];

/** The formats whose ordinary keys a route takes, by dialect and operation; every other route takes none. */
const TAKEN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  phaseo: { getCurrentApiKey: ['phaseo'] },
  'phaseo-management': {
    listManagedKeys: ['phaseo'],
    createManagedKey: ['phaseo'],
    getManagedKey: ['phaseo'],
    updateManagedKey: ['phaseo'],
    deleteManagedKey: ['phaseo'],
  },
  dreadnode: { get_user: ['dreadnode'], revoke_self_api_key: ['dreadnode'] },
  onepin: { whoami: ['onepin'] },
  cobo: { listApiKeys: ['cobo'], createApiKey: ['cobo'], revokeApiKey: ['cobo'] },
};

const dialects = dialectsOf(PRODUCTS.map(({ name }) => name));
const agent = new Agent({ keepAlive: true });
let service: Service;

beforeAll(async () => {
  service = await startService({ dialects });
});
afterAll(async () => {
  agent.destroy();
  await service.close();
});

/** A key of that format, for one call: there is one by which a key ends itself. */
async function freshKey(name: string): Promise<string> {
  const operations = service.warder.operations.as(callerWith({ home: INSTANCE }));
  const { secret } = await operations.createKey({
    workspaceId: service.defaultWorkspaceId,
    ownerId: 'customer',
    scopes: ['*', 'keys:read', 'keys:write'],
    allowSelfRevoke: true,
    format: name === 'warder' ? WARDER_FORMAT : formatOf(name),
  });
  service.canaries.add(secret);
  return secret;
}

function formatOf(name: string): TokenFormat {
  return {
    name,
    alphabet: BASE62,
    checksum: false,
    shown: { start: 4, end: 4 },
    lead: () => `${name}_`,
    groups: () => [40],
  };
}

it('every dialect is in the table', () => {
  expect(Object.keys(TAKEN).sort()).toEqual(dialects.map(({ name }) => name).sort());
});

describe.each(dialects)('$name', (dialect) => {
  const routes = dialect.routes.filter((route): route is CallRoute => 'run' in route);
  const guarded = routes.filter((route) => !(route.admits ?? dialect.admits).anyone);
  it.each(guarded)(
    '$operationId takes the ordinary keys it is to take, and no others',
    async (route) => {
      for (const format of FORMATS) {
        const taken = TAKEN[dialect.name]?.[route.operationId]?.includes(format) ?? false;
        for (const header of ['authorization', 'x-api-key', 'x-assistant-service-key']) {
          const status = await statusOf(dialect, route, header, await freshKey(format));
          const said = `${format} in ${header}: ${status}`;
          const refused = status === 401 || status === 403;
          if (!taken) expect(refused, said).toBe(true);
          else if (await isRead(dialect, header)) expect(refused, said).toBe(false);
        }
      }
    },
  );
});

/** Whether the dialect reads keys from that header at all. */
async function isRead(dialect: Dialect, header: string): Promise<boolean> {
  try {
    const text = `${header === 'authorization' ? 'Bearer ' : ''}aistats_v1_sk_abcdefghijkl_${'x'.repeat(40)}`;
    return dialect.credential({ [header]: text })?.kind === 'key';
  } catch {
    return false;
  }
}

async function statusOf(dialect: Dialect, route: CallRoute, header: string, key: string) {
  const path = route.path.replace(/\{\w+\}/g, '01900000-0000-7000-8000-0123456789ab');
  const { status } = await exchange(service.url, agent, {
    method: route.method,
    path: dialect.base + path,
    headers: {
      [header]: header === 'authorization' ? `Bearer ${key}` : key,
      'content-type': 'application/json',
    },
    body: route.method === 'GET' ? undefined : '{}',
  });
  return status;
}
