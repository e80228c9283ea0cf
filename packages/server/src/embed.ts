// The whole service inside an app of somebody else's: mounted below a path of it, or
// not served at all and asked in process. With the command line this is the only place
// where everything is put together.

import {
  ALL_GRANTS,
  ALL_KEYS,
  askOf,
  type Caller,
  NO_ORIGIN,
  type Operations,
  type PermissionSet,
  type VerifyRequest,
  WarderError,
} from '@warder/core';
import { instanceGrant } from './auth.ts';
import { AuthorizationError, keyOfRequest, refusedBy, type WithHeaders } from './authorization.ts';
import { KeyVerify } from './dialects/native/verdict-schemas.ts';
import {
  requestOf,
  type VerifyAsk,
  verdictBody,
  type WireVerdict,
} from './dialects/native/verdicts.ts';
import { type EmbedOptions, keptSecret, readOptions, readSecret } from './embed-options.ts';
import { createHost } from './host.ts';
import { checkBody } from './input.ts';
import { openInstallation } from './installation.ts';
import { type NodeHandler, nodeHandler } from './listen.ts';
import { createLog } from './log.ts';
import { mountBelow } from './mount.ts';
import { openEmbedded } from './storage/embedded.ts';
import { VERSION } from './version.ts';
import { assembleWarder } from './warder.ts';
import { type Fetch, fetching } from './web.ts';

/** Who acts through the operations, and how far: the whole instance with every right unless it says. */
export interface ActingAs {
  /** What the audit log calls them. */
  readonly id?: string | undefined;
  readonly workspaceId?: string | undefined;
  /** Only keys of this owner are there. */
  readonly ownerId?: string | undefined;
  readonly permissions?: PermissionSet | undefined;
  /** Where they call from, for the audit log. */
  readonly address?: string | undefined;
}

type Good = Extract<WireVerdict, { valid: true }>;

export interface EmbeddedWarder {
  /** The HTTP API for web-standard servers and frameworks. Needs no `this`. */
  readonly fetch: Fetch;
  /** The HTTP API for node:http and the frameworks on it. Needs no `this`. */
  readonly node: NodeHandler;
  /**
   * Whether a key is good, in process: what `POST /v1/keys/verify` takes and answers. Needs no `this`.
   * @throws WarderError `invalid` for what cannot be asked, `unavailable` where no verdict can be given
   */
  readonly verify: (ask: VerifyAsk) => Promise<WireVerdict>;
  /** The verdict where it takes no statement, at once; null where it does. @throws WarderError */
  readonly verifyCached: (ask: VerifyAsk) => WireVerdict | null;
  /**
   * The good verdict on a key, or on the one key of a request.
   * @throws AuthorizationError for any other
   */
  readonly authorize: (from: string | WithHeaders, ask?: Omit<VerifyAsk, 'key'>) => Promise<Good>;
  /** The use cases, for the app itself: it may do everything. */
  readonly operations: Operations;
  /** The use cases for somebody whom the app has signed in. */
  operationsAs(who: ActingAs): Operations;
  /** Writes what is gathered and closes the store. Calls that come later are answered 503. */
  close(): Promise<void>;
}

/**
 * The service on a database of its own, which is made where there is none.
 * @throws StartRefused, SchemaError, FileRefused where it cannot be opened; TypeError for an option
 */
export async function createWarder(options: EmbedOptions): Promise<EmbeddedWarder> {
  const { database, peppers = [], now, log = createLog('warn') } = options;
  const { basePath, publicUrl, trustedProxies, dialects, cacheBytes } = readOptions(options);
  const secret = readSecret(options.secret ?? keptSecret(database));
  const host = createHost({ secret, peppers, ...(now && { now }) });
  const store = openEmbedded({ file: database });
  const installation = await openInstallation(store.storage, host, async () => null).catch(
    async (error: unknown) => {
      await store.storage.close();
      throw error;
    },
  );
  const warder = assembleWarder({
    ...store,
    host,
    installation,
    publicUrl,
    mountedAt: basePath,
    version: VERSION,
    log,
    dialects,
    cacheBytes,
    issuers: options.issuers,
  });
  let closed: Promise<void> | null = null;
  const draining = () => closed !== null;
  const serving = {
    handle: mountBelow(basePath, warder.handle),
    trustedProxies,
    newRequestId: () => host.newId(host.now()),
  };

  const asking = callerFor({});
  const { verifier } = warder;
  const verifyCached = (ask: VerifyAsk) => {
    const request = readAsk(ask);
    if (draining()) return null;
    const verdict = verifier.verifyCached(request.secret, askOf(asking, request));
    return verdict && verdictBody(verdict, ask.include);
  };
  const verify = async (ask: VerifyAsk) => {
    const request = readAsk(ask);
    if (draining()) throw new WarderError('unavailable', 'This process is shutting down.');
    return verdictBody(await verifier.verify(request.secret, askOf(asking, request)), ask.include);
  };

  return {
    fetch: fetching(serving, draining),
    node: nodeHandler(serving, draining),
    verify,
    verifyCached,
    async authorize(from, ask = {}) {
      const key = typeof from === 'string' ? from : keyOfRequest(from);
      const verdict = await verify({ ...ask, key }).catch((error: unknown) => {
        const unavailable = error instanceof WarderError && error.code === 'unavailable';
        throw unavailable ? new AuthorizationError('unavailable', { cause: error }) : error;
      });
      if (verdict.valid) return verdict;
      throw refusedBy(verdict);
    },
    operations: warder.operations.as(asking),
    operationsAs: (who) => warder.operations.as(callerFor(who)),
    close() {
      closed ??= warder.close();
      return closed;
    },
  };
}

/** The plainest, which is nearly every one, is looked at by hand: a schema takes longer than the rest. */
function readAsk(ask: VerifyAsk): VerifyRequest {
  const { key, scopes, ...rest } = ask;
  const texts = scopes === undefined || Array.isArray(scopes);
  const plain = typeof key === 'string' && texts && Object.keys(rest).length === 0;
  return plain ? { secret: key, scopes } : requestOf(checkBody(KeyVerify, ask));
}

function callerFor({ id = 'app', workspaceId, ownerId, permissions = ['*'], address }: ActingAs) {
  return {
    identity: { type: 'service', id },
    home: workspaceId === undefined ? { instance: instanceGrant() } : { workspaceId },
    environment: null,
    permissions,
    grants: ALL_GRANTS,
    bounds: ownerId === undefined ? ALL_KEYS : { ...ALL_KEYS, kind: 'standard', ownerId },
    expiresAt: null,
    keysEndBy: null,
    key: null,
    origin: { ...NO_ORIGIN, address: address ?? null },
  } satisfies Caller;
}
