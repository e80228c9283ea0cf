// The calls about members: who belongs to which workspace, in which role.

import { type Listing, listing } from './page.ts';
import type { CallOptions, ChangeOptions, RetryableOptions, Send } from './request.ts';
import type {
  ListMembersQuery,
  Member,
  MemberAdd,
  MemberPage,
  MemberPatch,
  RemoveMemberQuery,
} from './schema.gen.ts';

export function memberCalls(send: Send) {
  return {
    /** Refused where its role goes beyond the caller's own (403), or the subject is a member already (409). */
    add: (draft: MemberAdd, options: RetryableOptions = {}): Promise<Member> =>
      send({ ...options, method: 'POST', path: ['v1', 'members'], body: draft }),

    list: (query: ListMembersQuery = {}, options: CallOptions = {}): Listing<Member> =>
      listing(query, (page) =>
        send<MemberPage>({ ...options, method: 'GET', path: ['v1', 'members'], query: page }),
      ),

    get: (id: string, options: CallOptions = {}): Promise<Member> =>
      send({ ...options, method: 'GET', path: ['v1', 'members', id] }),

    /** What is absent stays; a name of null is cleared (RFC 7396). */
    update: (id: string, patch: MemberPatch, options: ChangeOptions = {}): Promise<Member> =>
      send({ ...options, method: 'PATCH', path: ['v1', 'members', id], body: patch }),

    /** Final: ends its sign-ins, and disables its keys but for those of `keep_keys`. */
    remove: (
      id: string,
      query: RemoveMemberQuery = {},
      options: ChangeOptions = {},
    ): Promise<Member> =>
      send({ ...options, method: 'DELETE', path: ['v1', 'members', id], query }),
  };
}
