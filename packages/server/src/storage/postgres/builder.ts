// Writes statements in PostgreSQL's words and never runs them: that is for this engine's
// own driver. Every table is named with its schema, so that no statement hangs on a
// session's search path.

import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawNode,
  type ReferenceNode,
  type TableNode,
} from 'kysely';
import type { Tables } from '../../storage.ts';

/** The schema that all texts of this engine are written for. */
export const SCHEMA = 'warder';

/** A builder of statements for the tables of one schema. @param schema as `checkSchema` takes it */
export function builderFor(schema: string) {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new Compiler(schema),
    },
  });
}

/** A text written for the schema `warder`, for another. */
export function inSchema(schema: string, text: string): string {
  return schema === SCHEMA ? text : text.replaceAll(/\bwarder\./g, `${schema}.`);
}

/** @throws RangeError for a name that would have to be quoted */
export function checkSchema(schema: string): void {
  if (/^[a-z_][a-z0-9_]{0,49}$/.test(schema) && !schema.startsWith('pg_')) return;
  throw new RangeError(
    'A schema is named by up to 50 lower-case letters, digits and underscores, not beginning with a digit or pg_.',
  );
}

/** What stands before a table in a text that is written by hand. */
const BEFORE_TABLE = /\b(from|join|into|update)(\s+)([a-z_]+)\b/gi;

/** Tables stand with the schema where they are read or written; a column stands with its table alone. */
class Compiler extends PostgresQueryCompiler {
  readonly #schema: string;
  #inReference = false;

  constructor(schema: string) {
    super();
    this.#schema = schema;
  }

  protected override visitTable(node: TableNode): void {
    const { schema, identifier } = node.table;
    if (!this.#inReference && schema === undefined && TABLES.has(identifier.name)) {
      this.append(`${this.#schema}.`);
    }
    super.visitTable(node);
  }

  protected override visitReference(node: ReferenceNode): void {
    const outer = this.#inReference;
    this.#inReference = true;
    super.visitReference(node);
    this.#inReference = outer;
  }

  protected override visitRaw(node: RawNode): void {
    const sqlFragments = node.sqlFragments.map((text) =>
      text.replaceAll(BEFORE_TABLE, (all, word: string, space: string, name: string) =>
        TABLES.has(name) ? `${word}${space}${this.#schema}.${name}` : all,
      ),
    );
    super.visitRaw({ ...node, sqlFragments });
  }
}

/** Every table of the schema. */
const TABLES: ReadonlySet<string> = new Set([
  'balances',
  'chains',
  'events',
  'installation',
  'key_metadata',
  'key_refusals',
  'key_scopes',
  'key_search',
  'key_usage',
  'keys',
  'limit_windows',
  'members',
  'metadata_names',
  'migrations',
  'owners',
  'replies',
  'secret_checks',
  'usage_days',
  'usage_hours',
  'usage_months',
  'usage_rolled',
  'usage_to_forget',
  'workspaces',
]);
