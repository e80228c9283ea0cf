// The store that the benches of lists and of the service stand on: a million keys in
// 50 workspaces, one with half of them, one with 20,000. Made once in a folder and
// found there again.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ALL_KEYS,
  type Caller,
  drawFirstToken,
  NO_ORIGIN,
  operations,
  type Storage,
} from '@warder/core';
import { createHost, instanceGrant, openEmbedded, openInstallation } from '@warder/server';
import { load } from './load.ts';

export const BIG = 500_000;
const MEDIUM = 20_000;
const OTHERS = Array.from({ length: 48 }, () => 10_000);
/** How many each workspace has. */
export const KEYS = [BIG, MEDIUM, ...OTHERS];
const GOOD = 1_000;

export interface Store {
  readonly folder: string;
  readonly firstKey: string;
  /** Ids: of the workspace with half of the keys, of the one with 20,000, of the others. */
  readonly workspaces: readonly string[];
  /** Texts of keys that are good. */
  readonly secrets: readonly string[];
}

export const host = createHost({ secret: Buffer.alloc(32, 7) });

/** Whoever benches may do everything. */
export const caller: Caller = {
  identity: { type: 'system', id: 'bench' },
  home: { instance: instanceGrant() },
  environment: null,
  permissions: ['*'],
  grants: { scopes: ['*'], environments: ['live', 'test'], maxLifeSeconds: null },
  bounds: ALL_KEYS,
  expiresAt: null,
  keysEndBy: null,
  key: null,
  origin: NO_ORIGIN,
};

export async function makeStore(folder: string): Promise<Store> {
  const note = join(folder, 'store.json');
  if (existsSync(note)) return JSON.parse(readFileSync(note, 'utf8'));
  console.log(`loading a million keys into ${folder}, once`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeSecret(folder);
  const file = join(folder, 'warder.db');
  const first = drawFirstToken(host);
  const empty = openEmbedded({ file });
  const { defaultWorkspaceId } = await openInstallation(empty.storage, host, async () => first);
  await empty.storage.close();
  const workspaces = load({ file, keys: KEYS, now: host.now() });

  const { storage } = openEmbedded({ file });
  const secrets = await goodKeys(storage, defaultWorkspaceId, workspaces[0]?.id);
  await storage.close();
  const store = {
    folder,
    firstKey: first.secret,
    workspaces: workspaces.map(({ id }) => id),
    secrets,
  };
  writeFileSync(note, JSON.stringify(store));
  return store;
}

/** The secret of the installation whose keys `host` makes. */
export function writeSecret(folder: string): void {
  const text = `${Buffer.alloc(32, 7).toString('hex')}\n`;
  writeFileSync(join(folder, 'secret'), text, { mode: 0o600 });
}

/** Makes keys that verify, and answers their texts. */
export async function goodKeys(
  storage: Storage,
  defaultWorkspaceId: string,
  workspaceId: string | undefined,
): Promise<readonly string[]> {
  const refuse = () => Promise.reject(new Error('nothing is verified here'));
  const verifier = { verify: refuse, windows: refuse };
  const limits = { take: () => Promise.reject(new Error('nothing is taken here')) };
  const useCases = operations({ storage, host, verifier, limits, defaultWorkspaceId }).as(caller);
  const secrets: string[] = [];
  for (let i = 0; i < GOOD; i++) {
    secrets.push((await useCases.createKey({ workspaceId, name: `Good ${i}` })).secret);
  }
  return secrets;
}
