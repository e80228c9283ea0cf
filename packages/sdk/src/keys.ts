// The calls about keys.

import { type Listing, listing } from './page.ts';
import type { CallOptions, ChangeOptions, RetryableOptions, Send } from './request.ts';
import type {
  CreatedKey,
  Crediting,
  Explanation,
  GetKeyQuery,
  GetKeyUsageQuery,
  Key,
  KeyCreate,
  KeyExplain,
  KeyPage,
  KeyPatch,
  KeyRevoke,
  KeyVerify,
  ListKeysQuery,
  Usage,
  Verdict,
  Verdicts,
} from './schema.gen.ts';

/** By the members of metadata that the workspace declares: `{ 'metadata.plan': 'gold' }`. */
export type MetadataQuery = { readonly [name: `metadata.${string}`]: string | undefined };

export function keyCalls(send: Send) {
  const act =
    (name: string) =>
    (id: string, options: ChangeOptions & RetryableOptions = {}): Promise<Key> =>
      send({ ...options, method: 'POST', path: ['v1', 'keys', id, name] });

  return {
    /** Makes a key. Its text is in `key`, in this answer and never again. */
    create: (draft: KeyCreate, options: RetryableOptions = {}): Promise<CreatedKey> =>
      send({ ...options, method: 'POST', path: ['v1', 'keys'], body: draft }),

    list: (query: ListKeysQuery & MetadataQuery = {}, options: CallOptions = {}): Listing<Key> =>
      listing(query, (page) =>
        send<KeyPage>({ ...options, method: 'GET', path: ['v1', 'keys'], query: page }),
      ),

    get: (id: string, query: GetKeyQuery = {}, options: CallOptions = {}): Promise<Key> =>
      send({ ...options, method: 'GET', path: ['v1', 'keys', id], query }),

    /** What is absent stays, null clears (RFC 7396). */
    update: (id: string, patch: KeyPatch, options: ChangeOptions = {}): Promise<Key> =>
      send({ ...options, method: 'PATCH', path: ['v1', 'keys', id], body: patch }),

    /** Adds to its credits, `{ add }`, or sets them, `{ set }`: what is spent meanwhile is not lost. */
    credit: (
      id: string,
      crediting: Crediting,
      options: ChangeOptions & RetryableOptions = {},
    ): Promise<Key> =>
      send({ ...options, method: 'POST', path: ['v1', 'keys', id, 'credits'], body: crediting }),

    disable: act('disable'),
    enable: act('enable'),

    /** Final. Revoking a revoked key again changes nothing. */
    revoke: (
      id: string,
      body: KeyRevoke = {},
      options: ChangeOptions & RetryableOptions = {},
    ): Promise<Key> =>
      send({ ...options, method: 'POST', path: ['v1', 'keys', id, 'revoke'], body }),

    /** Revokes the key and erases all but a tombstone, which is the answer. */
    delete: (id: string, options: ChangeOptions = {}): Promise<Key> =>
      send({ ...options, method: 'DELETE', path: ['v1', 'keys', id] }),

    /** Whether a key is good. A bad key is an answer, `valid: false` with a code, never an error. Needs no `this`. */
    verify: (ask: KeyVerify, options: CallOptions = {}): Promise<Verdict> =>
      send({
        ...options,
        method: 'POST',
        path: ['v1', 'keys', 'verify'],
        body: ask,
        repeatable: true,
      }),

    /** The same of up to a thousand keys: their verdicts, in the order asked. */
    verifyBatch: async (
      keys: readonly KeyVerify[],
      options: CallOptions = {},
    ): Promise<readonly Verdict[]> => {
      const path = ['v1', 'keys', 'verify-batch'];
      const { data } = await send<Verdicts>({
        ...options,
        method: 'POST',
        path,
        body: { keys },
        repeatable: true,
      });
      return data;
    },

    /** How often the key was verified with which verdict. */
    usage: (id: string, query: GetKeyUsageQuery = {}, options: CallOptions = {}): Promise<Usage> =>
      send({ ...options, method: 'GET', path: ['v1', 'keys', id, 'usage'], query }),

    /** Why the key is good or not: each check, and the last refusals. It is no use of the key. */
    explain: (
      id: string,
      ask: KeyExplain = {},
      options: ChangeOptions = {},
    ): Promise<Explanation> =>
      send({ ...options, method: 'POST', path: ['v1', 'keys', id, 'explain'], body: ask }),
  };
}
