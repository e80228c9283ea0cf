// The one place that answers whether a key is good: for the verify call, for
// whoever signs in with a key, and for embedders. A slip is refused by its
// checksum; any other text costs one read.

import { inspectToken, judge, type Verifier, WarderError } from '@warder/core';
import type { ServerHost } from './host.ts';
import type { Lookup } from './lookup.ts';
import type { UsageLog } from './usage.ts';

/** RFC 8959: a key may be written as `secret-token:<key>`, and is the same key. */
const SECRET_TOKEN = 'secret-token:';

export function createVerifier(
  host: Pick<ServerHost, 'digests' | 'now'>,
  lookup: Lookup,
  usage: Pick<UsageLog, 'note'>,
): Verifier {
  return {
    async verify(presented, ask) {
      const secret = presented.startsWith(SECRET_TOKEN)
        ? presented.slice(SECRET_TOKEN.length)
        : presented;
      if (inspectToken(secret) === 'malformed') return { valid: false, code: 'malformed' };
      const candidate = await lookup.find(host.digests(secret)).catch((cause: unknown) => {
        throw new WarderError(
          'unavailable',
          'No verdict can be given now: the store cannot be read.',
          {
            cause,
            retryAfterSeconds: 1,
          },
        );
      });
      const now = host.now();
      const verdict = judge(candidate, ask, now);
      if (verdict.valid && ask.counts !== false) usage.note({ keyId: verdict.key.id, at: now });
      return verdict;
    },
  };
}
