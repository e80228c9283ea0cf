// The call about limits without a key.

import type { CallOptions, Send } from './request.ts';
import type { LimitTake, LimitTaken } from './schema.gen.ts';

export function limitCalls(send: Send) {
  return {
    /**
     * Takes from the window of that name and identifier: all of the cost or nothing. A refusal is an
     * answer, `allowed: false` with `retry_after_seconds`, never an error.
     */
    take: (name: string, take: LimitTake, options: CallOptions = {}): Promise<LimitTaken> =>
      send({ ...options, method: 'POST', path: ['v1', 'limits', name, 'take'], body: take }),
  };
}
