// What many write by hand: an Express 5 route that hashes the key with SHA-256 and
// selects its row from PostgreSQL, with Express's own JSON and pg's own pool.

import type { RequestListener } from 'node:http';
import { digestOf, drawKeys } from './keys.ts';
import type { Rival } from './route.ts';

interface Row {
  readonly enabled: boolean;
  readonly facts: object;
}
interface Pool {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly Row[] }>;
}
interface Answer {
  json(body: object): void;
}
type Route = (request: { readonly body: { readonly key: string } }, answer: Answer) => unknown;
interface App {
  use(middleware: unknown): void;
  post(path: string, route: Route): void;
}
interface Express {
  (): App & RequestListener;
  json(): unknown;
}

/** @param where the folder of PostgreSQL's Unix socket */
export const expressPostgres: Rival = async (where, count) => {
  const { express, Pool } = await modules();
  const pool = new Pool({ host: where, user: 'postgres', database: 'postgres' });
  await pool.query(
    'CREATE TABLE keys (id bigserial PRIMARY KEY, digest text NOT NULL UNIQUE, enabled boolean NOT NULL, facts jsonb NOT NULL)',
  );
  const keys = drawKeys(count);
  for (const { digest, facts } of keys) {
    const values = [digest, true, JSON.stringify(facts)];
    await pool.query('INSERT INTO keys (digest, enabled, facts) VALUES ($1, $2, $3)', values);
  }
  await pool.query('ANALYZE keys');
  const app = express();
  app.use(express.json());
  app.post('/v1/keys/verify', async ({ body }, answer) => {
    const select = 'SELECT enabled, facts FROM keys WHERE digest = $1';
    const { rows } = await pool.query(select, [digestOf(body.key)]);
    const [row] = rows;
    if (row?.enabled) answer.json({ valid: true, code: 'valid', ...row.facts });
    else answer.json({ valid: false, code: row ? 'disabled' : 'not_found' });
  });
  return { secrets: keys.map(({ secret }) => secret), listener: app };
};

interface Modules {
  readonly express: Express;
  readonly Pool: new (options: object) => Pool;
}

/** Named by variables: they are installed for this bench only, and so have no types elsewhere. */
async function modules(): Promise<Modules> {
  const [express, pg] = await Promise.all(['express', 'pg'].map((name) => import(name)));
  return { express: express.default, Pool: pg.default.Pool };
}
