// Dialects on a real service: calls below their bases, each reply held against the
// document of the dialect that gave it.

import { Agent } from 'node:http';
import { expect } from 'vitest';
import { describeApi } from '../../packages/server/src/openapi.ts';
import { type Chosen, dialectsOf } from '../../packages/server/src/products.ts';
import { createContract } from './contract.ts';
import { exchange } from './http.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

export interface SurfaceCall {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export type Surfaces = Awaited<ReturnType<typeof startSurfaces>>;

/** @param chosen options of the dialects, by their names */
export async function startSurfaces(
  names: readonly string[],
  { chosen = {}, ...options }: ServiceOptions & { chosen?: Chosen } = {},
) {
  const dialects = dialectsOf(names, chosen);
  const service: Service = await startService({ ...options, dialects });
  const agent = new Agent({ keepAlive: true });
  const surfaces = dialects.map((dialect) => ({
    ...dialect,
    contract: createContract(describeApi(dialect, '0.0.0', null)),
  }));
  const longestFirst = surfaces.toSorted((a, b) => b.base.length - a.base.length);

  const call = async (method: string, path: string, { headers, body }: SurfaceCall = {}) => {
    const received = await exchange(service.url, agent, {
      method,
      path,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = `${method} ${path} answered ${received.status} ${received.text.slice(0, 500)}`;
    const surface = longestFirst.find(({ base }) => path.startsWith(`${base}/`));
    const below = path.slice(surface?.base.length);
    expect(surface?.contract.replyFault(method, below, received) ?? null, said).toBeNull();
    const json: unknown = received.text === '' ? null : JSON.parse(received.text);
    return { ...received, body: json, said };
  };

  return {
    service,
    call,
    /** Makes a call that must be answered with that status, and answers its body. */
    async expectCall(status: number, method: string, path: string, given: SurfaceCall = {}) {
      const { status: actual, body, said } = await call(method, path, given);
      expect(actual, said).toBe(status);
      return body;
    },
    async close() {
      agent.destroy();
      await service.close();
    },
  };
}

/** The header of a key as a Bearer. */
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** The member that a JSON Pointer (RFC 6901) leads to. */
export function member(body: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => Object(at)[name], body);
}

/** The text that a pointer leads to. */
export function textAt(body: unknown, pointer: string): string {
  const text = member(body, pointer);
  expect(typeof text, `${pointer} of ${JSON.stringify(body)}`).toBe('string');
  return String(text);
}
