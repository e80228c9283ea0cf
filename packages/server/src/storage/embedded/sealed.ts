// The chains of events as they stand in a file, read for who checks them: on a
// connection that cannot write, all of one snapshot, one event after the other.

import type { Chain, SealedEvidence, SecretCheck } from '@warder/core';
import Database from 'better-sqlite3';
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
import { builder } from './builder.ts';

interface SealedEvents extends SealedChains {
  of(chain: string): Iterable<SealedEvidence>;
  close(): void;
}

/** @throws where the file is not there or is no database of Warder's */
export function openSealedEvents(file: string): SealedEvents {
  const connection = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
  connection.exec('BEGIN');
  const statement = <Row>({ sql }: Query) => connection.prepare<unknown[], Row>(sql);
  const all = <Row>(query: Query) => statement<Row>(query).all(...query.parameters);

  const chains = all<ChainRow>(
    builder.selectFrom('chains').select(CHAIN_COLUMNS).orderBy('name').compile(),
  ).map(chainOf);
  const names = builder.selectFrom('chains').select('name');
  const strays = all<{ chain: string }>(
    builder
      .selectFrom('events')
      .select('chain')
      .distinct()
      .where('number', 'is not', null)
      .where('chain', 'not in', names)
      .compile(),
  );
  const erased = all<{ subject_id: string }>(
    builder
      .selectFrom('events')
      .select('subject_id')
      .distinct()
      .where('type', '=', 'owner.erased')
      .where('number', 'is not', null)
      .compile(),
  );
  const [waiting] = all<{ count: number }>(
    builder
      .selectFrom('events')
      .select((one) => one.fn.countAll<number>().as('count'))
      .where('number', 'is', null)
      .compile(),
  );
  const events = builder
    .selectFrom('events')
    .select(SEALED_COLUMNS)
    .where('number', 'is not', null)
    .where('chain', '=', '')
    .orderBy('number')
    .orderBy('position')
    .compile();

  return {
    checks: all<SecretCheck>(builder.selectFrom('secret_checks').selectAll().compile()),
    chains: [...chains, ...strays.map(({ chain }) => headless(chain))],
    erasedOwners: new Set(erased.map(({ subject_id }) => subject_id)),
    unsealed: waiting?.count ?? 0,
    *of(chain) {
      for (const row of statement<SealedRow>(events).iterate(chain)) yield sealedEvidenceOf(row);
    },
    close() {
      connection.close();
    },
  };
}

function headless(name: string): Chain {
  return { name, head: { number: 0, mac: '' }, base: null, logged: 0 };
}
