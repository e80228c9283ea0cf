// `warder restore --events` on a database in PostgreSQL: its own tools have brought it back to
// an earlier time, and what ended since is ended again from the events.

import { leaveEvent, reapply } from '@warder/core';
import { instanceGrant, knownInPostgres } from '@warder/server';
import type { Flags } from '../config.ts';
import { usage } from '../failure.ts';
import { type Output, table } from '../output.ts';
import { openExisting, refused, startFailure } from './installation.ts';
import { counts, type RestoreOptions, revivals, shownOf } from './restore.ts';
import { gapIn, readEvents } from './told-events.ts';

export async function restoreInPostgres(
  flags: Flags,
  url: string,
  name: string | null,
  { events, acceptRevivals }: RestoreOptions,
  output: Output,
): Promise<void> {
  if (name !== null) {
    throw refused(
      'A database in PostgreSQL is recovered by its own tools, as docs/backup.md tells; then `warder restore --events FILE` ends again what ended since.',
    );
  }
  if (events === undefined) {
    throw usage(
      'Give the events since by --events FILE: the database itself is recovered by the tools of PostgreSQL, as docs/backup.md tells.',
    );
  }
  try {
    const told = await readEvents(events);
    const known = await knownInPostgres({ url }, new Set(told.map(({ id }) => id)));
    const gap = gapIn(events, told, known);
    const backup = { madeAt: known.last?.createdAt ?? 0, lastEvent: known.last };
    if (gap !== null && !acceptRevivals) throw refused(revivals(backup, gap));
    const later = told.filter(({ id }) => !known.ids.has(id));
    const { storage, host } = await openExisting(flags);
    try {
      const grant = instanceGrant();
      const done = await reapply(storage, grant, host, later, (id) => known.owners.get(id) ?? null);
      await leaveEvent(storage, grant, host, 'restore', 'installation.restored', {
        backup_made_at: new Date(backup.madeAt).toISOString(),
        backup_sha256: null,
        last_event: known.last?.id ?? null,
        revivals_accepted: gap !== null,
        reapplied: counts(done.reapplied),
        lost: counts(done.lost),
      });
      const { rows, reapplied, lost } = shownOf(done);
      output.data(
        { reapplied, lost },
        rows.length === 0 ? 'Nothing ended since.' : table(['', 'EVENT', 'OBJECT', 'AT'], rows),
      );
      output.note('Keys made since are unknown from now on.');
    } finally {
      await storage.close();
    }
  } catch (error) {
    throw startFailure(error);
  }
}
