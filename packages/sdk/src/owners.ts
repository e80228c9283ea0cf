// The calls about owners. An owner's address is your own id of it, any text.

import { type Listing, listing } from './page.ts';
import type { CallOptions, ChangeOptions, RetryableOptions, Send } from './request.ts';
import type {
  Crediting,
  EraseOwnerQuery,
  GetOwnerQuery,
  ListOwnersQuery,
  Owner,
  OwnerPage,
  OwnerPatch,
  OwnerPut,
} from './schema.gen.ts';

export function ownerCalls(send: Send) {
  const act =
    (name: string) =>
    (
      ownerId: string,
      query: GetOwnerQuery = {},
      options: ChangeOptions & RetryableOptions = {},
    ): Promise<Owner> =>
      send({ ...options, method: 'POST', path: ['v1', 'owners', ownerId, name], query });

  return {
    get: (ownerId: string, query: GetOwnerQuery = {}, options: CallOptions = {}): Promise<Owner> =>
      send({ ...options, method: 'GET', path: ['v1', 'owners', ownerId], query }),

    /** Makes the owner or replaces it: what is absent is cleared, but for its credits. */
    put: (ownerId: string, facts: OwnerPut = {}, options: ChangeOptions = {}): Promise<Owner> =>
      send({ ...options, method: 'PUT', path: ['v1', 'owners', ownerId], body: facts }),

    /** What is absent stays, null clears (RFC 7396). */
    update: (
      ownerId: string,
      patch: OwnerPatch,
      query: GetOwnerQuery = {},
      options: ChangeOptions = {},
    ): Promise<Owner> =>
      send({ ...options, method: 'PATCH', path: ['v1', 'owners', ownerId], query, body: patch }),

    list: (query: ListOwnersQuery = {}, options: CallOptions = {}): Listing<Owner> =>
      listing(query, (page) =>
        send<OwnerPage>({ ...options, method: 'GET', path: ['v1', 'owners'], query: page }),
      ),

    /** Adds to the credits that its keys share, `{ add }`, or sets them, `{ set }`. */
    credit: (
      ownerId: string,
      crediting: Crediting,
      query: GetOwnerQuery = {},
      options: ChangeOptions & RetryableOptions = {},
    ): Promise<Owner> => {
      const path = ['v1', 'owners', ownerId, 'credits'];
      return send({ ...options, method: 'POST', path, query, body: crediting });
    },

    /** All its keys answer `suspended` until it is resumed. */
    suspend: act('suspend'),
    resume: act('resume'),

    /** Final: removes all that is known of it. With `keys: 'erase'` its keys too; without, keys refuse it (409). */
    erase: (
      ownerId: string,
      query: EraseOwnerQuery = {},
      options: ChangeOptions & RetryableOptions = {},
    ): Promise<Owner> =>
      send({ ...options, method: 'POST', path: ['v1', 'owners', ownerId, 'erase'], query }),
  };
}
