// How PostgreSQL reads what has a name, and events.

import { positionAt, type Range } from '@warder/core';
import { sql } from 'kysely';
import type { Run, Walks } from '../../slices.ts';
import type { Builder } from '../../storage.ts';
import type { Ends, Scan } from './scan.ts';
import { listing } from './walk.ts';

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
