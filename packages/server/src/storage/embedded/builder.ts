// Writes statements in SQLite's words and never runs them: that is for this engine's
// own driver.

import {
  DummyDriver,
  Kysely,
  type RawNode,
  type SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Tables } from '../../storage.ts';

/**
 * SQLite plans a query anew each time that a value is bound which its plan might hang on, at ten
 * times the cost of running it. It does not look into a query within the query.
 */
class Compiler extends SqliteQueryCompiler {
  #depth = 0;

  protected override visitSelectQuery(node: SelectQueryNode): void {
    this.#within(() => super.visitSelectQuery(node));
  }

  protected override visitRaw(node: RawNode): void {
    this.#within(() => super.visitRaw(node));
  }

  protected override getCurrentParameterPlaceholder(): string {
    return this.#depth === 0 ? '?' : '(select ?)';
  }

  #within(visit: () => void): void {
    this.#depth++;
    try {
      visit();
    } finally {
      this.#depth--;
    }
  }
}

export const builder = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new Compiler(),
  },
});
