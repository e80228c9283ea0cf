// How large a table is and how fast it grows, as each engine tells the doctor.

export interface TableSize {
  readonly table: string;
  /** Null where there is no count. */
  readonly rows: number | null;
  /** With all of its indices. */
  readonly bytes: number;
  /** Rows that were added within a day; null where a row does not say when it came. */
  readonly lastDay: number | null;
}

const DAY = 86_400_000;
/** Rows that are looked at to tell a day's growth of a table. */
export const MOST_LOOKED_AT = 10_000;

/**
 * The growth of a table in a day.
 * @param rows of those looked at that came within the day @param oldest when the first of them came
 */
export function growthOfDay(rows: number, oldest: number | null, now: number): number {
  if (rows < MOST_LOOKED_AT || oldest === null) return rows;
  // All that were looked at are of this day: as many more as there is time before them.
  return Math.round((rows * DAY) / Math.max(1, now - oldest));
}
