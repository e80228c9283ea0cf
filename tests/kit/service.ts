// The real service on a real socket and a real file, with a clock that is set by
// hand. Every reply is held against the OpenAPI document and searched for secrets;
// at the end the log, the events and the files are searched too.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawFirstToken, type Storage } from '@warder/core';
import { expect } from 'vitest';
import { parseIssuers } from '../../packages/server/src/auth/tokens/issuers.ts';
import type { Dialect } from '../../packages/server/src/dialect.ts';
import { createHost, type Pepper } from '../../packages/server/src/host.ts';
import { openInstallation } from '../../packages/server/src/installation.ts';
import { type ListenOptions, listen } from '../../packages/server/src/listen.ts';
import { createLog } from '../../packages/server/src/log.ts';
import type { SharedCredential } from '../../packages/server/src/shared-credentials.ts';
import type { SharedLimitSetting } from '../../packages/server/src/shared-limits.ts';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';
import { assembleWarder } from '../../packages/server/src/warder.ts';
import { NOW } from '../fixtures/domain.ts';
import { createCanaries, hasMember } from './canaries.ts';
import { createContract } from './contract.ts';
import { exchange, type Heard, type Received, shout } from './http.ts';
import { type Watch, watched } from './store.ts';

export interface CallOptions {
  /** The credential; null for none, the first key where it is not said. */
  readonly key?: string | null | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The members that tests look at. That they are what they say has been validated before a test sees them. */
export interface Body {
  readonly id: string;
  readonly key: string;
  readonly key_id: string;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly pointer: string; readonly message: string }[];
  readonly data: readonly Body[];
  readonly next: string | null;
  readonly total: number;
  readonly [name: string]: unknown;
}

export interface Answered extends Received {
  /** The JSON that was answered; empty for a page. */
  readonly body: Body;
}

export interface ServiceOptions {
  readonly peppers?: readonly Pepper[];
  readonly publicUrl?: string;
  readonly listen?: Partial<ListenOptions>;
  /** What the service has beside the native API. */
  readonly dialects?: readonly Dialect[];
  readonly dialectCors?: boolean;
  readonly sharedCredentials?: readonly SharedCredential[];
  readonly callsPerSecond?: number;
  /** Rows of the file of issuers. */
  readonly issuers?: readonly object[];
  /** Where windows of limits are counted, if not in the process. */
  readonly limits?: ((storage: Storage) => Promise<SharedLimitSetting>) | undefined;
}

export type Service = Awaited<ReturnType<typeof startService>>;

export async function startService(options: ServiceOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'warder-'));
  const clock = { at: NOW };
  const log: string[] = [];
  const canaries = createCanaries();
  const watch: Watch = { calls: new Map(), before: new Map() };
  const agent = new Agent({ keepAlive: true });
  let firstKey = '';

  const open = async () => {
    const host = createHost({
      secret: new Uint8Array(32).fill(7),
      peppers: options.peppers ?? [],
      now: () => clock.at,
    });
    const { storage, lookup } = watched(openEmbedded({ file: join(folder, 'warder.db') }), watch);
    const installation = await openInstallation(storage, host, async () => {
      const token = drawFirstToken(host);
      firstKey = token.secret;
      canaries.add(firstKey);
      return token;
    });
    const warder = assembleWarder({
      storage,
      lookup,
      host,
      installation,
      publicUrl: options.publicUrl ?? null,
      version: '0.0.0',
      log: createLog('debug', (line) => log.push(line)),
      dialects: options.dialects,
      dialectCors: options.dialectCors,
      sharedCredentials: options.sharedCredentials,
      callsPerSecond: options.callsPerSecond,
      issuers: options.issuers && parseIssuers(JSON.stringify(options.issuers)),
      limits: await options.limits?.(storage),
    });
    const listener = await listen({
      handle: warder.handle,
      host: '127.0.0.1',
      port: 0,
      newRequestId: () => host.newId(host.now()),
      ...options.listen,
    });
    return { host, storage, installation, warder, listener };
  };
  let running = await open();
  // The document that the service itself gives out.
  const served = { method: 'GET', path: '/openapi.json', headers: {}, body: undefined };
  const contract = createContract(
    JSON.parse((await exchange(running.listener.url, agent, served)).text),
  );

  const stop = async () => {
    await running.listener.close();
    await running.warder.close();
  };

  /** Makes a call, and fails the test for a reply that breaks the contract or tells a secret. */
  const call = async (method: string, path: string, given: CallOptions = {}): Promise<Answered> => {
    const { key = firstKey, body, raw, headers } = given;
    const received = await exchange(running.listener.url, agent, {
      method,
      path,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    });
    return checked(method, path, received);
  };

  const checked = (method: string, path: string, received: Received): Answered => {
    const { status, headers, text } = received;
    const json = method !== 'HEAD' && /[/+]json/.test(String(headers['content-type']));
    const body = (json ? JSON.parse(text) : {}) as Body;
    const said = `${method} ${path} answered ${status} ${text.slice(0, 500)}`;
    if (method !== 'HEAD') expect(contract.faultOf(method, path, received), said).toBeNull();
    const creation = contract.callOf(method, path)?.operation.operationId === 'createKey';
    const shown = creation && status === 201 ? body.key : null;
    if (shown !== null) canaries.add(shown);
    // A creation shows its own secret once, and nothing else of it.
    expect(canaries.findIn(shown === null ? text : text.replace(shown, '')), said).toBeNull();
    expect(canaries.findIn(JSON.stringify(headers)), said).toBeNull();
    if (path !== '/reference') expect(hasMember(body, 'digest'), said).toBe(false);
    return { status, headers, text, body };
  };

  /** Makes a call that must be answered with that status, and answers its body. */
  const expectCall = async (
    status: number,
    method: string,
    path: string,
    given: CallOptions = {},
  ): Promise<Body> => {
    const reply = await call(method, path, given);
    expect(`${reply.status} ${reply.text}`).toMatch(new RegExp(`^${status} `));
    return reply.body;
  };

  const createKey = (body: object = {}, key?: string) =>
    expectCall(201, 'POST', '/v1/keys', { body, key });

  let made = 0;
  return {
    clock,
    log,
    contract,
    canaries,
    watch,
    get firstKey() {
      return firstKey;
    },
    get url() {
      return running.listener.url;
    },
    get warder() {
      return running.warder;
    },
    get storage() {
      return running.storage;
    },
    get defaultWorkspaceId() {
      return running.installation.defaultWorkspaceId;
    },
    call,
    expectCall,
    createKey,
    /** A management key with those permissions, of the instance unless a workspace is named. */
    manager: (permissions: readonly string[] | string, more: object = {}) =>
      createKey({ kind: 'management', workspace_id: null, permissions, ...more }),
    createWorkspace: (more: object = {}) =>
      expectCall(201, 'POST', '/v1/workspaces', { body: { name: `Workspace ${++made}`, ...more } }),
    /** Verifies a key with every right. */
    verify: (key: string, more: object = {}, by?: string) =>
      expectCall(200, 'POST', '/v1/keys/verify', { body: { key, ...more }, key: by }),
    /** Bytes on a socket of their own. Replies are checked like any other where the request can be told. */
    async shout(...bytes: readonly (string | Uint8Array)[]): Promise<Heard> {
      const heard = await shout(running.listener.url, ...bytes);
      for (const { text } of heard.replies) expect(canaries.findIn(text), text).toBeNull();
      return heard;
    },
    checked,
    /** How much is stored, by the lists' own counts. */
    async counts() {
      const total = async (path: string) =>
        (await expectCall(200, 'GET', `${path}include=total&limit=1`)).total;
      return {
        keys: await total('/v1/keys?include_deleted=true&'),
        owners: await total('/v1/owners?'),
        workspaces: await total('/v1/workspaces?'),
        events: await total('/v1/events?'),
      };
    },
    /** Every event there is, newest first. */
    async events(): Promise<readonly Body[]> {
      const all: Body[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const from: string = after === '' ? '' : `&after=${after}`;
        const page: Body = await expectCall(200, 'GET', `/v1/events?limit=200${from}`);
        all.push(...page.data);
        after = page.next;
      }
      return all;
    },
    /** The bytes of every file of the store. */
    files: () => readdirSync(folder).map((name) => readFileSync(join(folder, name))),
    /** Stops the service and starts it again on the same files. */
    async restart() {
      await stop();
      running = await open();
    },
    /** Stops for good, and fails the run where a secret was left behind. */
    async close() {
      watch.before.clear();
      await this.events();
      const files = this.files();
      await stop();
      agent.destroy();
      for (const bytes of [...files, ...this.files()]) {
        expect(canaries.findInBytes(bytes), 'in a file of the store').toBeNull();
      }
      for (const line of log) {
        expect(canaries.findIn(line), `in the log: ${line}`).toBeNull();
        expect(JSON.parse(line)).toHaveProperty('level');
        expect(line.indexOf('\n')).toBe(line.length - 1);
      }
      rmSync(folder, { recursive: true });
    },
  };
}
