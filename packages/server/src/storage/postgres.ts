// The store in a PostgreSQL database: many processes on many machines may use one. What
// verifies reads single rows over a connection of its own; every write and every list has
// one for itself while it lasts. Only a server that accepts writes is ever asked.

import type { Storage } from '@warder/core';
import { chainStatements } from '../chains.ts';
import { creditStatements } from '../credits.ts';
import type { Lookup } from '../lookup.ts';
import { memberStatements } from '../members.ts';
import { readingOf } from '../reach.ts';
import { type WindowRow, windowOf } from '../rows.ts';
import { type Query, statements } from '../storage.ts';
import { type Address, addressOf } from './postgres/address.ts';
import { builderFor, checkSchema, inSchema, SCHEMA } from './postgres/builder.ts';
import { openChannel } from './postgres/channel.ts';
import { commitsIn } from './postgres/commits.ts';
import type { Connection } from './postgres/connection.ts';
import { toldOf } from './postgres/failure.ts';
import { createFeed } from './postgres/feed.ts';
import { openFenced } from './postgres/fenced.ts';
import { listKeys } from './postgres/key-list.ts';
import { type DueMetadata, dueMetadata, metadataStep } from './postgres/metadata.ts';
import { MIGRATIONS } from './postgres/migrations.ts';
import { openPool } from './postgres/pool.ts';
import { connectToPrimary, createMet } from './postgres/primary.ts';
import { readListsOf } from './postgres/reader.ts';
import { walksIn } from './postgres/runs.ts';
import { type Pending, prepareSchema } from './postgres/schema.ts';
import { spendsIn } from './postgres/spends.ts';
import { transactionsOn } from './postgres/transactions.ts';
import { upkeepIn } from './postgres/upkeep.ts';
import { listRefusals, listUsage } from './postgres/usage-figures.ts';
import { usageUpkeepIn } from './postgres/usage-upkeep.ts';
import { usageWritesIn } from './postgres/usage-writes.ts';
import { windowsIn } from './postgres/windows.ts';

export interface PostgresOptions {
  /** As libpq reads one: `postgres://user:password@host:5432/name?sslmode=verify-full`. */
  readonly url: string;
  /** All tables are in this schema, and no other is touched. */
  readonly schema?: string;
  /** Whether statements are prepared on the server; a PgBouncer before 1.21 can not keep them. */
  readonly prepare?: boolean;
  /** How many transactions and lists run at once: so many connections, beside two for reading. */
  readonly connections?: number;
  /** Whether a database that lacks migrations is migrated or refused. An empty one is set up either way. */
  readonly pending?: Pending;
  readonly connectMilliseconds?: number;
  /** After which a statement is given up, and its connection with it. */
  readonly statementMilliseconds?: number;
  /** After which a list is given up. */
  readonly listMilliseconds?: number;
  /** The same database without a pooler between, over which changes are heard; `url` unless given. */
  readonly directUrl?: string;
  /** For how long after it last was certain to have heard every change a process may answer from memory. */
  readonly staleMilliseconds?: number;
  /** Told why changes cannot be heard, each time. */
  readonly onFeedError?: (error: unknown) => void;
}

/** How long a read that has to prove itself may take. */
const FENCE_MILLISECONDS = 1_000;

/**
 * @throws AddressError for a URL that is none, SchemaError where this program must not run on the
 * database, unavailable where it does not answer
 */
export async function openPostgres(
  options: PostgresOptions,
): Promise<{ storage: Storage; lookup: Lookup }> {
  const { url, schema = SCHEMA, prepare = true, connections = 10, pending = 'refuse' } = options;
  const { connectMilliseconds = 3_000, statementMilliseconds = 5_000 } = options;
  const { listMilliseconds = 10_000, staleMilliseconds = 5_000 } = options;
  checkSchema(schema);
  const address = addressOf(url);
  const setting = { address, connectMilliseconds, statementMilliseconds, prepare };
  const met = createMet();
  const open = () => connectToPrimary(setting, met);
  await makeReady(open, schema, pending);

  const verifying = openChannel(open, statementMilliseconds);
  const channel = openChannel(open, statementMilliseconds);
  const pool = openPool({ open, most: connections, waitMilliseconds: statementMilliseconds });
  const transactions = transactionsOn(pool, statementMilliseconds);
  const builder = builderFor(schema);
  const texts = {
    ...statements(builder),
    ...chainStatements(builder),
    ...memberStatements(builder),
    ...creditStatements(builder),
  };
  const feedChannel = `${schema}_changes`;
  const process = crypto.randomUUID().slice(0, 13);
  const openNamed =
    (at: Address) => (applicationName: string, hears?: (payload: string) => void) => {
      const named = { ...setting, address: { ...at, applicationName } };
      return connectToPrimary(hears === undefined ? named : { ...named, hears }, met);
    };
  const feed = createFeed({
    open: openNamed(addressOf(options.directUrl ?? url)),
    channel: feedChannel,
    process,
    staleMilliseconds,
    clocks: { wall: () => Date.now(), steady: () => performance.now() },
    onMoved() {
      pool.renew();
      verifying.renew();
      channel.renew();
    },
    onError: options.onFeedError ?? (() => {}),
  });
  // The way that reads take: the other may be what is cut.
  const fenced = openFenced(openNamed(address), `warder fence ${process}`, FENCE_MILLISECONDS);
  const list = readListsOf(transactions, {
    milliseconds: listMilliseconds,
    most: Math.ceil(connections / 2),
  });
  const { reading, lookup } = readingOf({
    builder,
    texts,
    walks: walksIn(builder),
    row: async <Row>(query: Query) => (await channel.read<Row>(query)).rows[0] ?? null,
    rows: async <Row>(query: Query) => (await channel.read<Row>(query)).rows,
    lookup: async <Row>(query: Query) =>
      (await (feed.isUnsure() ? fenced : verifying).read<Row>(query)).rows[0] ?? null,
    list,
    keys: (within, filter, slice) => listKeys(builder, within, filter, slice),
    usage: (within, subject, span) => listUsage(schema, within, subject, span),
    refusals: (within, keyId) => listRefusals(schema, within, keyId),
    commit: commitsIn(transactions, texts, schema, feedChannel),
  });
  const { balance, ...reads } = reading;
  const spend = spendsIn(transactions, texts, schema);
  const windows = windowsIn(transactions, schema);

  return {
    lookup,
    storage: {
      ...reads,
      spend: (asked) => (asked.charge && asked.cost > 0 ? spend(asked) : balance(asked)),
      ...usageWritesIn(transactions, schema),
      tendUsage: usageUpkeepIn(transactions, channel, schema),
      takeWindows: windows.take,
      recordWindows: windows.record,
      windows: (now, after, most) =>
        list({
          queries: [texts.windows.with({ now, after, most })],
          answer: ([found = []]) => (found as WindowRow[]).map(windowOf),
        }),
      pruneWindows: windows.prune,
      ...upkeepIn(transactions, channel, texts, schema),
      async tendLists() {
        if ((await channel.read(anyMetadata(schema))).count === 0) return false;
        return transactions.write([], async (run) => {
          const found = await run<DueMetadata>(dueMetadata(schema));
          const [due] = found.rows;
          // Another process does it.
          if (due === undefined) return { keep: false, result: false };
          for (const query of metadataStep(schema, due)) await run(query);
          return { keep: true, result: true };
        });
      },
      watch: feed.watch,
      obeyed: feed.obeyed,
      async close() {
        await feed.close();
        await pool.close();
        verifying.close();
        channel.close();
        fenced.close();
      },
    },
  };
}

/** @throws SchemaError, unavailable */
async function makeReady(
  open: () => Promise<Connection>,
  schema: string,
  pending: Pending,
): Promise<void> {
  try {
    const connection = await open();
    try {
      await prepareSchema(connection, open, schema, MIGRATIONS, pending);
    } finally {
      connection.destroy();
    }
  } catch (error) {
    throw toldOf(error, 'read');
  }
}

const anyMetadata = (schema: string): Query => ({
  sql: inSchema(
    schema,
    'SELECT 1 FROM warder.metadata_names WHERE dropped OR filled_to IS NOT NULL LIMIT 1',
  ),
  parameters: [],
});
