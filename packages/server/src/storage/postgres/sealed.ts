// The chains of events as they stand in a database, read for who checks them: all of one
// snapshot, some events at a time.

import type { SecretCheck } from '@warder/core';
import {
  CHAIN_COLUMNS,
  type ChainRow,
  chainOf,
  SEALED_COLUMNS,
  type SealedRow,
  sealedEvidenceOf,
} from '../../event-rows.ts';
import type { SealedChains } from '../../sealed-chains.ts';
import type { Query } from '../../storage.ts';
import { builderFor, inSchema } from './builder.ts';
import { toldOf } from './failure.ts';
import { connected, type MigrateOptions } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { mustBeWhole } from './schema.ts';

const EVENTS_A_STEP = 1_000;

/** Reads in one snapshot for as long as it is used. @throws AddressError, SchemaError, unavailable */
export async function withSealedEvents<Result>(
  options: MigrateOptions,
  use: (sealed: SealedChains) => Promise<Result>,
): Promise<Result> {
  // What is thrown by who uses them is theirs, and is no error of the database.
  const [settled] = await connected(options, async ({ connection, schema }) => {
    await mustBeWhole(connection, schema, MIGRATIONS);
    await connection.script('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const builder = builderFor(schema);
    const all = async <Row>(query: Query) => {
      try {
        return (await connection.run<Row>(query)).rows;
      } catch (error) {
        throw toldOf(error, 'read');
      }
    };
    const text = <Row>(sql: string) => all<Row>({ sql: inSchema(schema, sql), parameters: [] });
    const chains = await all<ChainRow>(
      builder.selectFrom('chains').select(CHAIN_COLUMNS).orderBy('name').compile(),
    );
    const strays = await text<{ chain: string }>(
      `SELECT DISTINCT chain FROM warder.events WHERE number IS NOT NULL
      AND chain NOT IN (SELECT name FROM warder.chains)`,
    );
    const erased = await text<{ subject_id: string }>(
      `SELECT DISTINCT subject_id FROM warder.events WHERE type = 'owner.erased' AND number IS NOT NULL`,
    );
    const [waiting] = await text<{ count: number }>(
      'SELECT count(*) AS count FROM warder.events WHERE number IS NULL',
    );
    const step = (chain: string, after: number) =>
      builder
        .selectFrom('events')
        .select(SEALED_COLUMNS)
        .where('number', '>', after)
        .where('chain', '=', chain)
        .orderBy('number')
        .limit(EVENTS_A_STEP)
        .compile();
    const sealed: SealedChains = {
      checks: await text<SecretCheck>('SELECT name, value FROM warder.secret_checks'),
      chains: [
        ...chains.map(chainOf),
        ...strays.map(({ chain }) => ({
          name: chain,
          head: { number: 0, mac: '' },
          base: null,
          logged: 0,
        })),
      ],
      erasedOwners: new Set(erased.map(({ subject_id }) => subject_id)),
      unsealed: Number(waiting?.count ?? 0),
      async *of(chain) {
        for (let after = -1; ; ) {
          const found = (await all<SealedRow>(step(chain, after))).map(sealedEvidenceOf);
          yield* found;
          const last = found.at(-1);
          if (found.length < EVENTS_A_STEP || last === undefined) return;
          after = last.number;
        }
      },
    };
    return await Promise.allSettled([use(sealed)]);
  });
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
