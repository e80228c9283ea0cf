// A service with a workspace that is new for each test, and a hand for its limits: keys
// that have some, settings, and what verifications are told.

import { afterAll, beforeAll, beforeEach } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import { type Body, type Service, type ServiceOptions, startService } from '../kit/service.ts';

interface Figure {
  readonly name: string;
  readonly per: string;
  readonly limit: number;
  readonly remaining: number;
  readonly reset_at: string;
}

export const limitOf = (name: string, limit: number, window_seconds = 60, more: object = {}) => ({
  name,
  limit,
  window_seconds,
  ...more,
});
export const figuresOf = (body: Body) => body.limits as readonly Figure[];
export const left = (body: Body) => figuresOf(body).map(({ remaining }) => remaining);
export const counted = (found: readonly string[]) => ({
  valid: found.filter((code) => code === 'valid').length,
  rate_limited: found.filter((code) => code === 'rate_limited').length,
});

export type LimitedService = ReturnType<typeof limitedService>;

/** Starts a service for the tests of a file. @param limits where windows are counted, if not in the process */
export function limitedService(limits?: ServiceOptions['limits']) {
  let service: Service;
  let workspace: string;
  beforeAll(async () => {
    service = await startService({ limits });
  });
  afterAll(() => service.close());
  beforeEach(async () => {
    service.clock.at = NOW;
    workspace = (await service.createWorkspace()).id;
  });
  return {
    get service() {
      return service;
    },
    get workspace() {
      return workspace;
    },
    create: (limits: readonly object[] | null, more: object = {}) =>
      service.createKey({ workspace_id: workspace, limits, ...more }),
    settings: (values: object) =>
      service.expectCall(200, 'PATCH', `/v1/workspaces/${workspace}`, {
        body: { settings: values },
      }),
    /** Codes of so many verifications, one after the other. */
    async codes(key: string, times: number, more: object = {}): Promise<readonly string[]> {
      const found: string[] = [];
      for (let i = 0; i < times; i++) found.push((await service.verify(key, more)).code);
      return found;
    },
  };
}
