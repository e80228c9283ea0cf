// Retries that are safe (draft-ietf-httpapi-idempotency-key-header-07): the reply
// of a change is kept with the change, in the same commit, for 24 hours, and given
// again to the same caller for the same request. It is sealed under the
// installation's secret, the caller and the Idempotency-Key together, so neither
// the database nor the secret alone opens it.

import { type Actor, type Change, type Key, type Storage, WarderError } from '@warder/core';
import type { ServerHost } from './host.ts';

const KEPT_MILLISECONDS = 24 * 3600 * 1000;
const KEY = /^[\x21-\x7e]{1,255}$/;

/** One attempt at a request that carries an Idempotency-Key. */
export interface Attempt {
  /** The reply kept for it and the key whose secret is in that, or null for a first attempt. */
  readonly kept: { readonly reply: string; readonly keyId: string | null } | null;
  /** The change that keeps a reply. */
  keep(reply: string, secretOf: Key | null): Change;
  /** Lets the next attempt begin. */
  end(): void;
}

export interface Attempts {
  /**
   * @param request what a retry must repeat: dialect, method, path and body
   * @throws conflict while another attempt is under way, invalid for another request with the same key
   */
  begin(caller: Actor, idempotencyKey: string, request: string): Promise<Attempt>;
}

export function createAttempts(
  host: Pick<ServerHost, 'mac' | 'seal' | 'open' | 'now'>,
  storage: Pick<Storage, 'reply'>,
): Attempts {
  const underWay = new Set<string>();

  return {
    async begin(caller, idempotencyKey, request) {
      if (!KEY.test(idempotencyKey)) {
        throw new WarderError(
          'bad_request',
          'The Idempotency-Key must be 1 to 255 printable ASCII characters.',
        );
      }
      const binding = `${caller.type} ${caller.id} ${idempotencyKey}`;
      const id = host.mac('idempotency', `key ${binding}`);
      const fingerprint = host.mac('idempotency', `request ${request}`);
      if (underWay.has(id)) {
        throw new WarderError(
          'conflict',
          'The first request with this Idempotency-Key is still under way.',
        );
      }
      underWay.add(id);
      const end = () => underWay.delete(id);
      try {
        const stored = await storage.reply(id);
        const found = stored !== null && stored.expiresAt > host.now() ? stored : null;
        if (found !== null && found.fingerprint !== fingerprint) {
          throw new WarderError('invalid', 'This Idempotency-Key was used for another request.');
        }
        const reply = found && host.open('reply', binding, found.sealed);
        return {
          kept: found && reply !== null ? { reply, keyId: found.keyId } : null,
          keep(text, secretOf) {
            const now = host.now();
            const sealed = host.seal('reply', binding, text);
            const expiresAt = now + KEPT_MILLISECONDS;
            const keyId = secretOf?.id ?? null;
            return {
              type: 'insert_reply',
              reply: { id, fingerprint, keyId, sealed, expiresAt },
              now,
            };
          },
          end,
        };
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}
