// The calls about usage: how often keys were verified with which verdict.

import type { CallOptions, Send } from './request.ts';
import type { GetUsageQuery, Usage } from './schema.gen.ts';

export function usageCalls(send: Send) {
  return {
    /** Of one key, owner or workspace, or of all that the caller may see. */
    get: (query: GetUsageQuery = {}, call: CallOptions = {}): Promise<Usage> =>
      send({ ...call, method: 'GET', path: ['v1', 'usage'], query }),
  };
}
