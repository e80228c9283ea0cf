// Which of two servers is asked: never one that the other replaced, also where it is the
// first that is named and takes writes again.

import { expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../../../../../tests/kit/servers.ts';
import { worldIn } from '../../../../../tests/storage/store.ts';
import { openPostgres } from '../postgres.ts';

test('a server that was replaced and is started again is read by nobody who met the one that replaced it', async () => {
  // What verifies came back to it when its connection was lost, while changes were heard from the other.
  const old = await startPostgres();
  onTestFinished(() => old.stop());
  const next = await startPostgres({}, { standbyOf: old });
  onTestFinished(() => next.stop());
  const url = `postgres://postgres@127.0.0.1:${old.port},127.0.0.1:${next.port}/postgres?sslmode=disable`;
  const store = await openPostgres({ url, pending: 'run' });
  onTestFinished(() => store.storage.close());
  const caughtUp = `SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()`;
  await expect.poll(() => old.execute(caughtUp), { timeout: 20_000 }).toBe('1');
  old.signal('SIGKILL');
  await old.ended();
  await next.execute('SELECT pg_promote()');

  const world = worldIn(store, 1);
  const { digest } = await world.key();
  expect(await store.lookup.find([digest])).not.toBeNull();
  await old.start();
  await next.execute(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  for (let read = 0; read < 3; read++) {
    expect(await store.lookup.find([digest])).not.toBeNull();
  }
}, 120_000);
