// better-auth's API-key plugin with its defaults, on SQLite: only its limit of ten
// verifications a day for each key is raised, since a measured key has more. SQLite
// gets the write-ahead log with a durable commit, which is quicker than what it starts with.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Rival, route } from './route.ts';

/** What is used of the plugin's operations, which are called without HTTP. */
interface Api {
  signUpEmail(call: {
    body: { email: string; password: string; name: string };
  }): Promise<{ user: { id: string } }>;
  createApiKey(call: { body: { userId: string } }): Promise<{ key: string }>;
  verifyApiKey(call: { body: { key: string } }): Promise<{ valid: boolean }>;
}

interface Modules {
  readonly betterAuth: (options: object) => { readonly api: Api };
  readonly apiKey: (options: object) => object;
  readonly getMigrations: (options: object) => Promise<{ runMigrations: () => Promise<void> }>;
}

export interface BetterAuth {
  readonly secrets: readonly string[];
  verify(secret: string): Promise<{ valid: boolean }>;
  close(): void;
}

/** @param file of the database, which must not exist yet */
export async function openBetterAuth(file: string, keys: number): Promise<BetterAuth> {
  const { betterAuth, apiKey, getMigrations } = await modules();
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = OFF');
  const options = {
    database,
    secret: 'a secret of the bench, which is long enough',
    baseURL: 'http://127.0.0.1',
    emailAndPassword: { enabled: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [apiKey({ rateLimit: { maxRequests: 1e9 } })],
  };
  await (await getMigrations(options)).runMigrations();
  const { api } = betterAuth(options);
  const { user } = await api.signUpEmail({
    body: { email: 'bench@example.com', password: 'correct horse battery', name: 'Bench' },
  });
  const secrets: string[] = [];
  for (let made = 0; made < keys; made++) {
    secrets.push((await api.createApiKey({ body: { userId: user.id } })).key);
  }
  database.pragma('synchronous = FULL');
  return {
    secrets,
    verify: (key) => api.verifyApiKey({ body: { key } }),
    close: () => database.close(),
  };
}

/**
 * The plugin has no route that verifies a key, so it gets the least there can be.
 * @param where a folder for the database
 */
export const betterAuth: Rival = async (where, count) => {
  const { secrets, verify } = await openBetterAuth(join(where, 'better-auth.db'), count);
  return { secrets, listener: route(verify) };
};

/** Named by variables: they are installed for this bench only, and so have no types elsewhere. */
async function modules(): Promise<Modules> {
  const names = ['better-auth', '@better-auth/api-key', 'better-auth/db/migration'];
  const loaded: object[] = await Promise.all(names.map((name) => import(name)));
  return Object.assign({}, ...loaded);
}
