// What lists of keys are read from, in SQLite's words: the indices of the table of
// keys, and narrow tables beside it that triggers keep true, whatever writes a key.
// Each holds the position, so that every one of them is in the order of creation.

import type { KeySort } from '@warder/core';
import { FACTS, SHELVES, type Shelf, SORT_COLUMNS } from '../../key-filters.ts';

/** The index of a shelf in an order; across all workspaces there is one in the order of creation alone. */
export function sortIndex(shelf: Shelf, sort: KeySort, within: boolean): string {
  return `keys_${shelf}_by_${sort}${within ? '_in_workspace' : ''}`;
}

/** Keys of all workspaces that expire, by their expiry. */
export const EXPIRING_INDEX = 'keys_expiring';
export const EXPIRING = 'expires_at IS NOT NULL';

/**
 * The text of every index that a list of keys is read from. Behind the order of creation stands what
 * a list is filtered by that has no index in this order, or one that would be walked long.
 */
export function keyIndices(): string {
  const texts: string[] = [];
  const add = (name: string, columns: readonly string[], condition: string) =>
    texts.push(`CREATE INDEX ${name} ON keys (${columns.join(', ')}) WHERE ${condition};`);
  for (const [shelf, condition] of Object.entries(SHELVES) as [Shelf, string][]) {
    for (const [sort, column] of Object.entries(SORT_COLUMNS) as [KeySort, string | null][]) {
      const columns =
        column === null ? ['position', 'expiry_order', 'last_used_day'] : [column, 'position'];
      if (column === null) add(sortIndex(shelf, sort, false), columns, condition);
      const searched = column === null && shelf === 'live' ? ['search'] : [];
      add(sortIndex(shelf, sort, true), ['workspace_id', ...columns, ...searched], condition);
    }
  }
  const live = SHELVES.live;
  for (const [fact, column] of Object.entries(FACTS)) {
    const present = column === 'owner_id' ? `${live} AND owner_id IS NOT NULL` : live;
    add(`keys_by_${fact}`, ['workspace_id', column, 'position'], present);
  }
  add('keys_by_state', ['workspace_id', 'state', 'position', 'turns_at'], live);
  add('keys_by_owner_everywhere', ['owner_id', 'position'], `${live} AND owner_id IS NOT NULL`);
  add(EXPIRING_INDEX, ['expiry_order', 'position'], `${live} AND ${EXPIRING}`);
  return texts.join('\n');
}

// A workspace as three characters for private use, which are one trigram: what is
// searched for in one workspace is never looked for in another.
export const MARK = (id: string) =>
  `coalesce((SELECT ${markOf('number')} FROM workspaces WHERE id = ${id}), ${markOf('0')})`;

/** The three characters that stand for a workspace's number. */
export function markOf(number: string): string {
  return `char(57344 + ${number} % 6400, 57344 + ${number} / 6400 % 6400, 57344 + ${number} / 40960000)`;
}

/** Longest metadata value that lists can be filtered by. */
const LONGEST_VALUE = 255;

/** The metadata of keys that their workspace declares, as JSON text. `keys` stands in `join`, or is a row at hand. */
export function metadataOf(keys: string, join = ''): string {
  const path = `'$."' || names.name || '"'`;
  return `SELECT names.workspace_id, names.name, ${keys}.metadata -> (${path}), ${keys}.position
    FROM metadata_names AS names ${join}
    WHERE names.workspace_id = ${keys}.workspace_id
      AND json_type(${keys}.metadata, ${path}) IN ('text', 'integer', 'real', 'true', 'false')
      AND length(${keys}.metadata ->> (${path})) <= ${LONGEST_VALUE}`;
}

const REMOVED = 'old.deleted_at IS NULL AND new.deleted_at IS NOT NULL';
/** The last key whose text the index holds: later ones are few, and are looked at one by one. */
export const SEARCH_FILLED = '(SELECT position FROM key_search_filled WHERE id = 1)';
const textOf = (keys: string) => `${keys}.position, ${MARK(`${keys}.workspace_id`)}, ${keys}.search
    WHERE ${keys}.deleted_at IS NULL AND ${keys}.position <= ${SEARCH_FILLED}`;
const added = `
  INSERT INTO key_search (rowid, workspace, text) SELECT ${textOf('new')};`;
const removed = `
  INSERT INTO key_search (key_search, rowid, workspace, text) SELECT 'delete', ${textOf('old')};`;
const scoped = (keys: string) => `
  INSERT OR IGNORE INTO key_scopes
    SELECT coalesce(${keys}.workspace_id, ''), value, ${keys}.position FROM json_each(${keys}.scopes)
    WHERE ${keys}.deleted_at IS NULL;`;
const described = `
  INSERT OR IGNORE INTO key_metadata ${metadataOf('new')} AND new.deleted_at IS NULL;`;

/** The tables beside the keys, and what keeps them true. */
export const KEY_TABLES = `
CREATE VIRTUAL TABLE key_search USING fts5 (
  workspace, text, content = '', columnsize = 0, tokenize = 'trigram remove_diacritics 1'
);
-- What is removed leaves the index at once, not only when its part of it is merged.
INSERT INTO key_search (key_search, rank) VALUES ('secure-delete', 1);
-- Merged a little with each step that fills it, never much at once.
INSERT INTO key_search (key_search, rank) VALUES ('automerge', 0);
CREATE TABLE key_search_filled (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  position INTEGER NOT NULL
) STRICT;
INSERT INTO key_search_filled VALUES (1, -1);
CREATE TABLE key_scopes (
  workspace_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, scope, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE key_metadata (
  workspace_id TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, name, value, position)
) STRICT, WITHOUT ROWID;
-- A name is filled in from the oldest key on; filled_to is null once all are in.
CREATE TABLE metadata_names (
  workspace_id TEXT NOT NULL,
  name TEXT NOT NULL,
  filled_to INTEGER,
  dropped INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX metadata_names_to_tend ON metadata_names (workspace_id, name)
  WHERE dropped = 1 OR filled_to IS NOT NULL;

CREATE TRIGGER workspaces_inserted AFTER INSERT ON workspaces BEGIN
  UPDATE workspaces SET number = (SELECT coalesce(max(number), 0) + 1 FROM workspaces)
    WHERE position = new.position;
  INSERT INTO metadata_names SELECT new.id, value, NULL, 0
    FROM json_each(new.settings, '$.metadataFilters');
END;
CREATE TRIGGER workspaces_updated AFTER UPDATE OF settings ON workspaces
  WHEN new.settings -> '$.metadataFilters' IS NOT old.settings -> '$.metadataFilters'
BEGIN
  UPDATE metadata_names SET dropped = 1 WHERE workspace_id = new.id
    AND name NOT IN (SELECT value FROM json_each(new.settings, '$.metadataFilters'));
  INSERT INTO metadata_names SELECT new.id, value, -1, 0
    FROM json_each(new.settings, '$.metadataFilters') WHERE true
    ON CONFLICT DO UPDATE SET dropped = 0, filled_to = -1 WHERE dropped = 1;
END;

CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN${added}${scoped('new')}${described}
END;
CREATE TRIGGER keys_search_updated AFTER UPDATE OF search, deleted_at ON keys
  WHEN new.search IS NOT old.search OR (${REMOVED})
BEGIN${removed}${added}
END;
CREATE TRIGGER keys_scopes_updated AFTER UPDATE OF scopes, deleted_at ON keys
  WHEN new.scopes IS NOT old.scopes OR (${REMOVED})
BEGIN
  DELETE FROM key_scopes WHERE (workspace_id, scope, position) IN
    (SELECT coalesce(old.workspace_id, ''), value, old.position FROM json_each(old.scopes));${scoped('new')}
END;
CREATE TRIGGER keys_metadata_updated AFTER UPDATE OF metadata, deleted_at ON keys
  WHEN new.metadata IS NOT old.metadata OR (${REMOVED})
BEGIN
  DELETE FROM key_metadata WHERE (workspace_id, name, value, position) IN (${metadataOf('old')});${described}
END;
`;
