// How PostgreSQL reads what has a name, and events.

import { positionAt, type Range } from '@warder/core';
import { sql } from 'kysely';
import { SHELVES } from '../../key-filters.ts';
import { KEY_COLUMNS } from '../../rows.ts';
import { listed, type Run, type Walks } from '../../slices.ts';
import type { Builder } from '../../storage.ts';
import type { Ends, Scan } from './scan.ts';
import { listing } from './walk.ts';

/** What a key is read by. */
export const KEY_SELECTION = sql`${listed('keys', KEY_COLUMNS)}, key_usage.last_used_at, balances.balance, balances.refill_at`;
/** Looked up for each key that there is, and only for those. */
export const KEY_JOINS = sql`left join lateral (select last_used_at from key_usage where key_position = keys.position limit 1) as key_usage on true
  left join lateral (select balance, refill_at from balances where subject = keys.id limit 1) as balances on true`;

export function walksIn(builder: Builder): Walks {
  return {
    holds: (column, text) => sql`strpos(${column}, ${text}) > 0`,
    listing({ runs, columns, ascending, visits }, slice, itemOf) {
      const table = runs[0]?.table ?? 'workspaces';
      const arms = runs.map((run) => ({ scan: scanOf(run), residual: run.residual }));
      const bound = visits && { visits };
      const walk = { table, arms, columns, value: null, ascending, ...bound };
      return listing(builder, walk, slice, itemOf);
    },
    keysToErase: (within, most) =>
      Object.values(SHELVES).map((shelf) => {
        const confined = within === null ? sql`` : sql`and id = ${within}`;
        // One workspace after the other: together they would be looked for in every key.
        return sql`select ${KEY_SELECTION} from (select id from workspaces where deleted_at is not null ${confined}) as gone
          cross join lateral (select * from keys where keys.workspace_id = any(array[gone.id]) and ${sql.raw(shelf)}
            order by keys.workspace_id, keys.position limit ${most}) as keys
          ${KEY_JOINS} limit ${most}`.compile(builder);
      }),
  };
}

function scanOf({ table, index, equal, present = [], created }: Run): Scan {
  const range = created && { range: createdWithin(created) };
  return { table, equal, value: null, where: present, own: index === null, ...range };
}

/** A range of creation, on positions. */
export function createdWithin({ after, before }: Range): Ends {
  return {
    from: after === undefined ? undefined : positionAt(after),
    before: before === undefined ? undefined : positionAt(before),
  };
}
