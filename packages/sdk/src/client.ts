// The client: the calls of the API in groups, over one connection setting.

import { eventCalls } from './events.ts';
import { keyCalls } from './keys.ts';
import { limitCalls } from './limits.ts';
import { memberCalls } from './members.ts';
import { ownerCalls } from './owners.ts';
import { type CallOptions, type ClientOptions, createSend } from './request.ts';
import type { Whoami } from './schema.gen.ts';
import { usageCalls } from './usage.ts';
import { workspaceCalls } from './workspaces.ts';

export type WarderClient = ReturnType<typeof createClient>;

/**
 * A client of one Warder. Every call rejects with a `WarderApiError` for an answer that is an
 * error, and with a `WarderConnectionError` where there was none.
 * @throws TypeError for a `baseUrl` or `key` that cannot be used
 */
export function createClient(options: ClientOptions) {
  const send = createSend(options);
  return {
    keys: keyCalls(send),
    workspaces: workspaceCalls(send),
    owners: ownerCalls(send),
    members: memberCalls(send),
    limits: limitCalls(send),
    events: eventCalls(send),
    usage: usageCalls(send),
    /** The key of this client about itself. */
    whoami: (call: CallOptions = {}): Promise<Whoami> =>
      send({ ...call, method: 'GET', path: ['v1', 'whoami'] }),
  };
}
