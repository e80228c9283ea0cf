// A look at the file for whoever asks whether all is well: on a connection that
// cannot write, also beside a running service, and each question by itself, so
// that one the file cannot answer does not hide the others.

import { DEFAULT_SETTINGS, type Digest, type SecretCheck } from '@warder/core';
import Database from 'better-sqlite3';
import type { Migration } from '../../migration.ts';
import type { TableSize } from '../../table-size.ts';
import { faultsIn } from './copy.ts';
import { pendingIn } from './file.ts';
import { MIGRATIONS } from './migrations.ts';
import { tableSizes } from './table-sizes.ts';

/** A key as it is named to people. */
export interface NamedKey {
  readonly id: string;
  readonly name: string | null;
}

export interface NamedWorkspace {
  readonly id: string;
  readonly slug: string;
}

export interface Examination {
  /** What SQLite finds wrong; empty for a sound file. */
  faults(): readonly string[];
  /** @throws SchemaError where this program must not run on it */
  pending(): readonly Migration[];
  checks(): readonly SecretCheck[];
  /** How many standard keys are good and never expire. */
  endlessKeys(now: number): number;
  /** Management keys that are good, not used since then, and made before `madeBefore` where they never were. */
  idleManagers(now: number, since: number, madeBefore: number): readonly NamedKey[];
  /** Management keys that are good and may do everything. */
  mightyManagers(now: number): readonly NamedKey[];
  /** Workspaces that let ordinary keys manage keys and have a good one in one of those formats. */
  managedByOrdinaryKeys(formats: readonly string[], now: number): readonly NamedWorkspace[];
  /** Whether a workspace is in use, by its id or its slug. */
  hasWorkspace(idOrSlug: string): boolean;
  /** When events of that type were last left; null for never. */
  lastOf(type: string): number | null;
  /** The time of the newest event. */
  newestEvent(): number | null;
  /** The key of one of these digests: whether it is good, and when it was used last. */
  keyOf(
    digests: readonly Digest[],
    now: number,
  ): { readonly good: boolean; readonly usedAt: number | null } | null;
  /** Every table with its size, the largest first. */
  tables(now: number): readonly TableSize[];
  close(): void;
}

const GOOD = `revoked_at IS NULL AND deleted_at IS NULL AND enabled = 1
  AND (expires_at IS NULL OR expires_at > @now)`;

export function examine(file: string): Examination {
  const connection = new Database(file, { readonly: true, fileMustExist: true });
  const one = (sql: string, values: object = {}) =>
    connection.prepare<object, number | null>(sql).pluck().get(values) ?? null;
  const named = (condition: string, values: object) =>
    connection
      .prepare<object, NamedKey>(
        `SELECT id, name FROM keys WHERE kind = 'management' AND ${GOOD} AND ${condition} ORDER BY id`,
      )
      .all(values);

  return {
    faults: () => faultsIn(connection),
    pending: () => pendingIn(connection, MIGRATIONS),
    checks: () =>
      connection.prepare<[], SecretCheck>('SELECT name, value FROM secret_checks').all(),
    endlessKeys: (now) =>
      Number(
        one(
          `SELECT count(*) FROM keys WHERE kind = 'standard' AND expires_at IS NULL AND ${GOOD}`,
          { now },
        ),
      ),
    idleManagers: (now, since, madeBefore) =>
      named(
        `coalesce(
          (SELECT last_used_at < @since FROM key_usage WHERE key_usage.rowid = keys.rowid),
          created_at < @madeBefore
        )`,
        { now, since, madeBefore },
      ),
    mightyManagers: (now) => named(`permissions = '["*"]'`, { now }),
    managedByOrdinaryKeys: (formats, now) =>
      connection
        .prepare<unknown[], NamedWorkspace>(
          // A list of values, and the native format excluded once more: else its index is passed over.
          `SELECT id, slug FROM workspaces
          WHERE deleted_at IS NULL AND coalesce(settings ->> '$.ordinaryKeysManage', @byDefault) = 1
            AND EXISTS (SELECT 1 FROM keys WHERE workspace_id = workspaces.id
              AND format IN (${formats.map(() => '?')}) AND format <> 'warder'
              AND kind = 'standard' AND ${GOOD})
          ORDER BY position`,
        )
        .all(...formats, {
          now,
          byDefault: Number(DEFAULT_SETTINGS.ordinaryKeysManage),
        }),
    hasWorkspace: (idOrSlug) =>
      one(
        `SELECT 1 FROM workspaces WHERE (id = @idOrSlug OR slug = @idOrSlug)
        AND deleted_at IS NULL AND suspended_at IS NULL`,
        { idOrSlug },
      ) !== null,
    lastOf: (type) => one('SELECT max(created_at) FROM events WHERE type = @type', { type }),
    newestEvent: () => one('SELECT max(created_at) FROM events'),
    keyOf(digests, now) {
      const statement = connection.prepare<object, { good: number; usedAt: number | null }>(
        `SELECT ${GOOD} AS good, last_used_at AS usedAt FROM keys
        LEFT JOIN key_usage ON key_usage.rowid = keys.rowid WHERE digest = @digest`,
      );
      for (const { hex } of digests) {
        const found = statement.get({ digest: Buffer.from(hex, 'hex'), now });
        if (found !== undefined) return { good: found.good === 1, usedAt: found.usedAt };
      }
      return null;
    },
    tables: (now) => tableSizes(connection, now),
    close: () => void connection.close(),
  };
}
