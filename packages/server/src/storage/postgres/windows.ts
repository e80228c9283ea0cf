// Rate windows: written as they stand by who counts them in memory, and taken from by who
// counts them here. What is taken is not waited for to be on the disk: a server that falls
// forgets takes of the last moments, and a window is a matter of moments itself.

import {
  decideTakes,
  type StoredWindow,
  type WindowReturn,
  type WindowsTaken,
  type WindowTake,
} from '@warder/core';
import { rowOfWindow, type WindowRow, windowOf } from '../../rows.ts';
import { inSchema } from './builder.ts';
import type { Lock } from './guards.ts';
import type { Transactions } from './transactions.ts';

export function windowsIn(transactions: Transactions, schema: string) {
  const text = (sql: string) => inSchema(schema, sql);
  const record = text(`INSERT INTO warder.limit_windows (id, started_at, ends_at, taken)
    SELECT value ->> 'id', (value ->> 'started_at')::bigint, (value ->> 'ends_at')::bigint,
        (value ->> 'taken')::bigint
      FROM jsonb_array_elements($1::text::jsonb)
      ORDER BY (value ->> 'id') COLLATE "C"
    ON CONFLICT (id) DO UPDATE SET
      started_at = excluded.started_at, ends_at = excluded.ends_at, taken = excluded.taken`);
  // Their order is that of the locks, which are there before the windows are.
  const lock = `SELECT pg_advisory_xact_lock(hashed) FROM
    (SELECT DISTINCT hashtextextended($1 || value, 0) AS hashed
      FROM jsonb_array_elements_text($2::text::jsonb) ORDER BY 1) AS ordered`;
  const find = text(`SELECT id, started_at, ends_at, taken FROM warder.limit_windows
    WHERE id IN (SELECT jsonb_array_elements_text($1::text::jsonb))`);
  const clock = `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now`;
  // By the clock that counts as well: for a process whose own is ahead, what still counts has ended.
  const prune = text(`DELETE FROM warder.limit_windows WHERE id IN
    (SELECT id FROM warder.limit_windows WHERE ends_at <=
        least($1::bigint, floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)
      LIMIT $2 FOR UPDATE SKIP LOCKED)`);

  const recording = (windows: readonly StoredWindow[]) => {
    // A statement writes a row once.
    const latest = new Map(windows.map((window) => [window.id, rowOfWindow(window)]));
    return { sql: record, parameters: [JSON.stringify([...latest.values()])] };
  };
  const none: readonly Lock[] = [];

  return {
    record: (windows: readonly StoredWindow[]) =>
      transactions.write(
        none,
        async (run) => {
          await run(recording(windows));
          return { keep: true, result: undefined };
        },
        'fast',
      ),
    take: (
      takes: readonly WindowTake[],
      returned: readonly WindowReturn[],
    ): Promise<readonly WindowsTaken[]> =>
      transactions.write(
        none,
        async (run) => {
          const asked = [...takes.flatMap(({ windows }) => windows), ...returned];
          const ids = JSON.stringify([...new Set(asked.map(({ id }) => id))]);
          const [, found, time] = await Promise.all([
            run({ sql: lock, parameters: [`${schema} window `, ids] }),
            run<WindowRow>({ sql: find, parameters: [ids] }),
            run<{ now: number }>({ sql: clock, parameters: [] }),
          ]);
          const now = time.rows[0]?.now ?? 0;
          const { answers, changed } = decideTakes(found.rows.map(windowOf), takes, returned, now);
          if (changed.length > 0) await run(recording(changed));
          return { keep: changed.length > 0, result: answers };
        },
        'fast',
      ),
    prune: (now: number, most: number) =>
      transactions.write(none, async (run) => {
        const { count } = await run({ sql: prune, parameters: [now, most] });
        return { keep: count > 0, result: count };
      }),
  };
}
