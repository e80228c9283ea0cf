// What a database knows of events and owners, to hold later events against: for who recovered
// it to an earlier time and has to end again what ended since.

import type { Owner } from '@warder/core';
import { inSchema } from './builder.ts';
import { connected, type MigrateOptions } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { mustBeWhole } from './schema.ts';

export interface KnownInDatabase {
  /** Which of the events asked for it has. */
  readonly ids: ReadonlySet<string>;
  /** The number of the last sealed event of each chain. */
  readonly heads: ReadonlyMap<string, number>;
  /** Where owners are, by their own ids. */
  readonly owners: ReadonlyMap<string, Pick<Owner, 'workspaceId' | 'externalId'>>;
  readonly last: { readonly id: string; readonly type: string; readonly createdAt: number } | null;
}

const MILLISECONDS = 300_000;

/** @throws AddressError, SchemaError, unavailable */
export function knownInDatabase(
  options: MigrateOptions,
  asked: ReadonlySet<string>,
): Promise<KnownInDatabase> {
  return connected(options, async ({ connection, schema }) => {
    await mustBeWhole(connection, schema, MIGRATIONS);
    const all = async <Row>(sql: string, parameters: readonly unknown[] = []) =>
      (await connection.run<Row>({ sql: inSchema(schema, sql), parameters }, MILLISECONDS)).rows;
    const ids = await all<{ id: string }>(
      'SELECT id FROM warder.events WHERE id IN (SELECT json_array_elements_text($1::text::json))',
      [JSON.stringify([...asked])],
    );
    const heads = await all<{ name: string; number: number }>(
      'SELECT name, number FROM warder.chains',
    );
    const owners = await all<Pick<Owner, 'id' | 'workspaceId' | 'externalId'>>(
      'SELECT id, workspace_id AS "workspaceId", external_id AS "externalId" FROM warder.owners',
    );
    const [last = null] = await all<NonNullable<KnownInDatabase['last']>>(
      'SELECT id, type, created_at AS "createdAt" FROM warder.events ORDER BY created_at DESC, id DESC LIMIT 1',
    );
    return {
      ids: new Set(ids.map(({ id }) => id)),
      heads: new Map(heads.map(({ name, number }) => [name, number])),
      owners: new Map(owners.map((owner) => [owner.id, owner])),
      last,
    };
  });
}
