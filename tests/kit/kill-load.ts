// Clients that write to a service over HTTP until it dies, and the ledger of what
// they asked and what they were told. It lives outside the service, so it is what
// a kill cannot touch. Every request has an id of its own, which its event carries.

import { type Service, seeded } from './crash-child.ts';

export type Json = Record<string, unknown>;

export interface Reply {
  readonly status: number;
  readonly body: Json;
  /** From the ETag: which version of the object the body shows. */
  readonly version: number | null;
  readonly replayed: boolean;
}

/** A request that asks for a change. */
export interface Asked {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly body: Json | null;
  readonly idempotencyKey: string | null;
  /** What its event may be; one that changes nothing has none. */
  readonly makes: readonly string[];
  /** What must be true of the object in a reply that says it was done. */
  readonly holds: (object: Json) => boolean;
  /** Null: never acknowledged. */
  reply: Reply | null;
  /** For a retry, the request it repeats. */
  readonly again?: Asked;
}

export interface Ledger {
  readonly asked: Asked[];
  /** The text of each key, by its id. */
  readonly secrets: Map<string, string>;
  /** Keys whose end was acknowledged. */
  readonly ended: Set<string>;
  readonly workspaces: string[];
  /** When each key was last verified as valid, or may have been. */
  readonly uses: Map<string, number>;
  /** Whether a 503 is no surprise. */
  mayBeUnavailable: boolean;
  /** Whether several processes write, so that an end is obeyed by the others a moment later. */
  severalWrite: boolean;
  /** What was found wrong at once. */
  readonly complaints: string[];
}

export function newLedger(): Ledger {
  return {
    asked: [],
    secrets: new Map(),
    ended: new Set(),
    workspaces: [],
    uses: new Map(),
    mayBeUnavailable: false,
    severalWrite: false,
    complaints: [],
  };
}

/** What two ledgers of one file say together. */
export function joined(one: Ledger, two: Ledger): Ledger {
  return {
    asked: [...one.asked, ...two.asked],
    secrets: new Map([...one.secrets, ...two.secrets]),
    ended: new Set([...one.ended, ...two.ended]),
    workspaces: [...one.workspaces, ...two.workspaces],
    uses: new Map([...one.uses, ...two.uses]),
    mayBeUnavailable: one.mayBeUnavailable || two.mayBeUnavailable,
    severalWrite: one.severalWrite || two.severalWrite,
    complaints: [...one.complaints, ...two.complaints],
  };
}

export interface Client {
  /** Sends a change and enters it in the ledger. Null when no reply came. */
  change(asked: Omit<Asked, 'id' | 'reply'>): Promise<Reply | null>;
  /** Sends what changes nothing. */
  ask(method: string, path: string, body?: Json): Promise<Reply | null>;
  /** The verdict on a key; an ended one must never be valid. */
  verify(keyId: string): Promise<string | null>;
}

let requests = 0;

export async function clientOf(service: Service, ledger: Ledger): Promise<Client> {
  const url = await service.url;
  const authorization = `Bearer ${service.firstKey()}`;

  const send = async (
    method: string,
    path: string,
    body: Json | null,
    more: Record<string, string> = {},
  ): Promise<Reply | null> => {
    let status: number;
    let headers: Headers;
    let text: string;
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization,
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...more,
        },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      ({ status, headers } = response);
      text = await response.text();
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') {
        ledger.complaints.push(`${method} ${path} had no reply within 20 s`);
      }
      return null;
    }
    if (status >= 500 && !(status === 503 && ledger.mayBeUnavailable))
      ledger.complaints.push(`${method} ${path} answered ${status}: ${text}`);
    const version = /^"(\d+)"$/.exec(headers.get('etag') ?? '')?.[1];
    return {
      status,
      body: JSON.parse(text),
      version: version === undefined ? null : Number(version),
      replayed: headers.get('idempotency-replayed') === 'true',
    };
  };

  /** Whether a key that has ended is refused within a second. */
  const isObeyed = async (keyId: string): Promise<boolean> => {
    const key = ledger.secrets.get(keyId) ?? '';
    for (const giveUpAt = performance.now() + 1_000; performance.now() < giveUpAt; ) {
      const reply = await send('POST', '/v1/keys/verify', { key });
      if (reply === null || reply.body.code === 'revoked') return true;
      ledger.uses.set(keyId, Date.now());
    }
    return false;
  };

  return {
    async change(given) {
      const id = `request-${process.pid}-${++requests}`;
      // Entered before it is sent: from here on it may have been done.
      const asked: Asked = { ...given, id, reply: null };
      ledger.asked.push(asked);
      const { method, path, body, idempotencyKey } = asked;
      asked.reply = await send(method, path, body, {
        'x-request-id': id,
        ...(idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey }),
      });
      if (asked.reply !== null) enter(ledger, asked, asked.reply);
      return asked.reply;
    },
    ask: (method, path, body) => send(method, path, body ?? null),
    async verify(keyId) {
      const wasEnded = ledger.ended.has(keyId);
      const reply = await send('POST', '/v1/keys/verify', {
        key: ledger.secrets.get(keyId) ?? '',
      });
      // Without a reply it may have been found valid all the same.
      if (reply === null || reply.body.valid === true) ledger.uses.set(keyId, Date.now());
      if (reply === null) return null;
      const code = String(reply.body.code);
      if (wasEnded && code !== 'revoked' && !(ledger.severalWrite && (await isObeyed(keyId)))) {
        ledger.complaints.push(`the ended key ${keyId} was verified as ${code}`);
      }
      return code;
    },
  };
}

function enter(ledger: Ledger, asked: Asked, { status, body }: Reply): void {
  if (status >= 300) return;
  const id = String(body.id);
  if (typeof body.key === 'string') ledger.secrets.set(id, body.key);
  if (asked.makes.includes('workspace.created')) ledger.workspaces.push(id);
  if (asked.makes.includes('key.revoked') || asked.makes.includes('key.erased')) {
    ledger.ended.add(id);
  }
}

const OWNERS = ['ann', 'bob', 'o/1', 'ö 2', '..', '%2F'];

/** Writes of all kinds, drawn by the seed, until a reply stays away or `stop` says so. */
export async function work(
  client: Client,
  ledger: Ledger,
  seed: number,
  stop: () => boolean,
): Promise<void> {
  const random = seeded(seed);
  const pick = <Item>(items: readonly Item[]): Item | undefined =>
    items[Math.floor(random() * items.length)];
  const anyOwner = () => pick(OWNERS) ?? '';
  /** Mostly one of the latest, so that clients meet on the same rows. */
  const anyKey = () => {
    const ids = [...ledger.secrets.keys()].slice(-60);
    return ids[ids.length - 1 - Math.floor(random() ** 2 * ids.length)];
  };
  const anyWorkspace = () => (random() < 0.4 ? pick(ledger.workspaces.slice(-4)) : undefined);
  const unique = () => `${seed}-${++requests}`;
  const post = { method: 'POST', body: null };

  const onKey = (command: string, past: string, holds: (key: Json) => boolean) => {
    const id = anyKey();
    if (id === undefined) return create();
    const path = `/v1/keys/${id}/${command}`;
    return client.change({
      ...post,
      path,
      body: command === 'revoke' ? { reason: `because ${unique()}` } : null,
      idempotencyKey: unique(),
      makes: [`key.${past}`],
      holds,
    });
  };
  const onOwner = (command: string, past: string, holds: (owner: Json) => boolean) => {
    const workspace = anyWorkspace();
    const query = workspace === undefined ? '' : `?workspace_id=${workspace}`;
    const path = `/v1/owners/${encodeURIComponent(anyOwner())}/${command}${query}`;
    return client.change({
      ...post,
      path,
      idempotencyKey: unique(),
      makes: [`owner.${past}`],
      holds,
    });
  };
  const create = () => {
    const name = `key ${unique()}`;
    const workspace_id = anyWorkspace();
    const owner_id = random() < 0.6 ? anyOwner() : null;
    const metadata = { n: Math.floor(random() * 1e6), text: 'ü"\\\u2028'.repeat(random() * 40) };
    const body = { name, owner_id, scopes: ['files:read'], metadata, workspace_id };
    return client.change({
      ...post,
      path: '/v1/keys',
      body,
      idempotencyKey: unique(),
      makes: ['key.created'],
      holds: (key) =>
        key.name === name &&
        key.owner_id === owner_id &&
        JSON.stringify(key.metadata) === JSON.stringify(metadata) &&
        (workspace_id === undefined || key.workspace_id === workspace_id),
    });
  };
  const update = () => {
    const id = anyKey();
    if (id === undefined) return create();
    const name = `renamed ${unique()}`;
    const owner = random() < 0.3 ? { owner_id: anyOwner() } : {};
    return client.change({
      method: 'PATCH',
      path: `/v1/keys/${id}`,
      body: { name, scopes: ['files:read', 'files:write'], ...owner },
      idempotencyKey: null,
      makes: ['key.updated'],
      holds: (key) => key.name === name && (!owner.owner_id || key.owner_id === owner.owner_id),
    });
  };
  const erase = () => {
    const id = anyKey();
    if (id === undefined) return create();
    return client.change({
      method: 'DELETE',
      path: `/v1/keys/${id}`,
      body: null,
      idempotencyKey: null,
      makes: ['key.erased'],
      holds: (key) => key.status === 'deleted' && key.name === null && key.owner_id === null,
    });
  };
  const putOwner = () => {
    const name = `owner ${unique()}`;
    return client.change({
      method: 'PUT',
      path: `/v1/owners/${encodeURIComponent(anyOwner())}`,
      body: { name, workspace_id: anyWorkspace() },
      idempotencyKey: null,
      makes: ['owner.created', 'owner.updated'],
      holds: (owner) => owner.name === name,
    });
  };
  const createWorkspace = () => {
    const name = `workspace ${unique()}`;
    return client.change({
      ...post,
      path: '/v1/workspaces',
      body: { name },
      idempotencyKey: unique(),
      makes: ['workspace.created'],
      holds: (workspace) => workspace.name === name,
    });
  };
  const updateWorkspace = () => {
    const id = pick(ledger.workspaces.slice(-4));
    if (id === undefined) return createWorkspace();
    const name = `renamed ${unique()}`;
    return client.change({
      method: 'PATCH',
      path: `/v1/workspaces/${id}`,
      body: { name },
      idempotencyKey: null,
      makes: ['workspace.updated'],
      holds: (workspace) => workspace.name === name,
    });
  };
  const deleteWorkspace = () => {
    const id = pick(ledger.workspaces.slice(-4));
    if (id === undefined) return createWorkspace();
    return client.change({
      method: 'DELETE',
      path: `/v1/workspaces/${id}${random() < 0.7 ? '?keys=revoke' : ''}`,
      body: null,
      idempotencyKey: null,
      makes: ['workspace.deleted'],
      holds: (workspace) => workspace.deleted_at !== null,
    });
  };
  const verify = () => client.verify(anyKey() ?? '');
  const list = () => client.ask('GET', '/v1/keys?limit=20&include=total');

  const steps: readonly (readonly [number, () => Promise<unknown>])[] = [
    [30, create],
    [14, update],
    [7, () => onKey('disable', 'disabled', (key) => key.enabled === false)],
    [7, () => onKey('enable', 'enabled', (key) => key.enabled === true)],
    [7, () => onKey('revoke', 'revoked', (key) => key.revoked_at !== null)],
    [4, erase],
    [8, putOwner],
    [3, () => onOwner('suspend', 'suspended', (owner) => owner.suspended_at !== null)],
    [4, () => onOwner('resume', 'resumed', (owner) => owner.suspended_at === null)],
    [3, createWorkspace],
    [2, updateWorkspace],
    [1, deleteWorkspace],
    [8, verify],
    [2, list],
  ];
  const bag = steps.flatMap(([weight, step]) => Array<typeof step>(weight).fill(step));
  // Nobody kills so late that this bound is met.
  for (let i = 0; i < 20_000 && !stop(); i++) {
    if ((await pick(bag)?.()) === null) return;
  }
}
