// What `warder doctor` tells of each table: how large it is, how fast it grows, and
// until when a row of it is kept.

import { type Examination, livesOfTables } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { table } from '../output.ts';
import type { Patient } from './check.ts';

/** A table as `--json` shows it. */
export interface TableReport {
  readonly table: string;
  readonly rows: number | null;
  readonly bytes: number;
  readonly rows_last_day: number | null;
  readonly kept: string;
}

/** None where the database cannot be read: its checks say why. */
export function tablesOf({ store, now, flags }: Patient): readonly TableReport[] {
  try {
    return reportsOf(store.tables(now), flags);
  } catch {
    return [];
  }
}

export function reportsOf(
  sizes: ReturnType<Examination['tables']>,
  flags: Flags,
): readonly TableReport[] {
  const lives = livesOfTables({
    eventsSeconds: readSetting('eventsRetention', flags) ?? null,
    usageHoursSeconds: readSetting('usageHoursRetention', flags),
    usageDaysSeconds: readSetting('usageDaysRetention', flags),
  });
  return sizes.map(({ table, rows, bytes, lastDay }) => {
    return { table, rows, bytes, rows_last_day: lastDay, kept: lives[table] ?? 'not known' };
  });
}

export function tablesText(tables: readonly TableReport[]): string {
  const rows = tables.map((one) => [
    one.table,
    one.rows === null ? '-' : String(one.rows),
    sizeText(one.bytes),
    one.rows_last_day === null ? '-' : `+${one.rows_last_day}`,
    one.kept,
  ]);
  return table(['TABLE', 'ROWS', 'SIZE', 'LAST DAY', 'KEPT'], rows);
}

/** `4 KiB`, `1.5 GiB`. */
function sizeText(bytes: number): string {
  const power = Math.min(3, Math.max(1, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const count = bytes / 1024 ** power;
  const digits = count < 10 && !Number.isInteger(count) ? 1 : 0;
  return `${count.toFixed(digits)} ${['', 'KiB', 'MiB', 'GiB'][power]}`;
}
