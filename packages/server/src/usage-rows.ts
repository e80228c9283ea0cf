// Rows of usage, as every engine writes them: what uses add to the hours of a key, its
// owner, its workspace and the installation, and the same as rows of coarser steps.

import {
  bucketOf,
  dayOf,
  type KeyKind,
  type KeyRefusal,
  positionOf,
  startOf,
  type UsageStep,
  type Use,
} from '@warder/core';
import { USAGE_KINDS } from './rows.ts';
import type { Mark } from './usage-tables.ts';

/** Figures of a subject, to be added to what its bucket has. */
export interface FigureRow extends Mark {
  readonly counts: readonly number[];
}

/** The positions of what a use is counted for, by its place among those asked for. */
export interface FoundUse {
  readonly place: number;
  readonly keys: string;
  readonly kind: KeyKind;
  readonly workspaces: string | null;
  readonly owners: string | null;
}

/** Positions and ids of the keys of uses, as JSON: what an engine is asked to find. */
export function askedOf(uses: readonly Use[]): string {
  return JSON.stringify(uses.map(({ keyId }) => [String(positionOf(keyId)), keyId]));
}

/** Rows of hours; and position, time and day of the last use of each key, as JSON, or null for none. */
export function rowsOfUses(uses: readonly Use[], found: readonly FoundUse[]) {
  const rows = new Map<string, FigureRow>();
  const lastUses = new Map<string, number>();
  const add = (kind: number, position: string, { hour: bucket, counts }: Use) => {
    const name = `${bucket} ${kind} ${position}`;
    const before = rows.get(name)?.counts;
    const sum = before === undefined ? counts : before.map((count, i) => count + (counts[i] ?? 0));
    rows.set(name, { bucket, kind, position, counts: sum });
  };
  for (const one of found) {
    const use = uses[one.place];
    if (use === undefined) continue;
    add(USAGE_KINDS.key, one.keys, use);
    if (use.lastUsedAt !== null) {
      lastUses.set(one.keys, Math.max(use.lastUsedAt, lastUses.get(one.keys) ?? 0));
    }
    // The key that asks for a verdict signs in itself: counted with it, every sum would be doubled.
    if (one.kind !== 'standard') continue;
    if (one.owners !== null) add(USAGE_KINDS.owner, one.owners, use);
    if (one.workspaces !== null) add(USAGE_KINDS.workspace, one.workspaces, use);
    add(USAGE_KINDS.installation, '0', use);
  }
  const latest = Array.from(lastUses, ([key, at]) => [key, at, dayOf(at)]);
  return {
    hours: [...rows.values()],
    lastUses: latest.length === 0 ? null : JSON.stringify(latest),
  };
}

/** Rows as JSON: bucket, kind, position and the counts in their order. */
export function textOfFigures(rows: readonly FigureRow[]): string {
  return JSON.stringify(
    rows.map(({ bucket, kind, position, counts }) => [bucket, kind, position, ...counts]),
  );
}

/** The same figures as those of coarser buckets. */
export function raised(
  rows: readonly FigureRow[],
  step: UsageStep,
  coarser: UsageStep,
): FigureRow[] {
  return rows.map((row) => ({ ...row, bucket: bucketOf(coarser, startOf(step, row.bucket)) }));
}

/** Whether a row comes after what is rolled up. */
export function isBehind(row: Mark, mark: Mark): boolean {
  if (row.bucket !== mark.bucket) return row.bucket > mark.bucket;
  if (row.kind !== mark.kind) return row.kind > mark.kind;
  return BigInt(row.position) > BigInt(mark.position);
}

/** Refusals as JSON: position, id, time, code, missing scopes as JSON, address. */
export function textOfRefusals(refusals: readonly KeyRefusal[]): string {
  return JSON.stringify(
    refusals.map(({ keyId, at, code, missingScopes, address }) => [
      String(positionOf(keyId)),
      keyId,
      at,
      code,
      JSON.stringify(missingScopes),
      address,
    ]),
  );
}
