// What lists of keys are read from, in PostgreSQL's words: the indices of the table of
// keys, and narrow tables beside it that triggers keep true, whatever writes a key.
// Each holds the position, so that all but the one that is searched are in the order of
// creation. Written for the schema `warder`, as the migrations are.

import type { KeySort } from '@warder/core';
import { FACTS, SHELVES, type Shelf, SORT_COLUMNS } from '../../key-filters.ts';

/** The text of every index that a list of keys is read from. Where nulls stand, `scan.ts` says why. */
export function keyIndices(): string {
  const texts: string[] = [];
  const add = (name: string, before: readonly string[], condition: string, behind = '') => {
    const position = before.length === 1 ? 'position' : 'position NULLS FIRST';
    const columns = [...before, position].join(', ');
    texts.push(`CREATE INDEX ${name} ON warder.keys (${columns}${behind}) WHERE ${condition};`);
  };
  for (const [shelf, condition] of Object.entries(SHELVES) as [Shelf, string][]) {
    for (const [sort, column] of Object.entries(SORT_COLUMNS) as [KeySort, string | null][]) {
      const columns = column === null ? [] : [column];
      add(`keys_${shelf}_by_${sort}`, columns, condition);
      add(`keys_${shelf}_by_${sort}_in_workspace`, ['workspace_id', ...columns], condition);
    }
  }
  const live = SHELVES.live;
  const owned = `${live} AND owner_id IS NOT NULL`;
  for (const [fact, column] of Object.entries({ ...FACTS, state: 'state' })) {
    const looked = column === 'state' ? ', turns_at' : '';
    const present = column === 'owner_id' ? owned : live;
    add(`keys_by_${fact}`, ['workspace_id', column], present, looked);
  }
  add('keys_by_owner_everywhere', ['owner_id'], owned);
  return texts.join('\n');
}

/** Longest metadata value that lists can be filtered by. */
const LONGEST_VALUE = 255;

/** Held by whoever writes a key's metadata, and alone by whoever changes what a workspace declares. */
const DECLARATION = (workspace: string) => `hashtext('warder metadata'), hashtext(${workspace})`;

/** The metadata of keys that their workspace declares, as JSON text. `keys` stands in `join`, or is a row at hand. */
export function metadataOf(keys: string, join = ''): string {
  return `SELECT names.workspace_id, names.name, member.value::text, ${keys}.position
    FROM warder.metadata_names AS names ${join}
    CROSS JOIN LATERAL (SELECT warder.readable(${keys}.metadata)::json -> names.name AS value) AS member
    WHERE names.workspace_id = ${keys}.workspace_id AND NOT names.dropped
      AND json_typeof(member.value) IN ('string', 'number', 'boolean')
      AND length(member.value #>> '{}') <= ${LONGEST_VALUE}`;
}

/** The tables beside the keys, and what keeps them true. */
export const KEY_TABLES = `
-- The pieces of three characters that a key's text has, and its workspace among them. What is
-- written goes to a list that the index takes in some hundreds of keys at a time.
CREATE TABLE warder.key_search (
  position bigint PRIMARY KEY,
  pieces text[] COLLATE "C" NOT NULL
);
CREATE INDEX key_search_pieces ON warder.key_search USING gin (pieces)
  WITH (fastupdate = on, gin_pending_list_limit = 1024);
CREATE TABLE warder.key_scopes (
  workspace_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (workspace_id, scope, position)
);
CREATE TABLE warder.key_metadata (
  workspace_id TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (workspace_id, name, value, position)
);
-- A name is filled in from the oldest key on; filled_to is null once all are in.
CREATE TABLE warder.metadata_names (
  workspace_id TEXT NOT NULL,
  name TEXT NOT NULL,
  filled_to bigint,
  dropped boolean NOT NULL,
  PRIMARY KEY (workspace_id, name)
);
CREATE INDEX metadata_names_to_tend ON warder.metadata_names (workspace_id, name)
  WHERE dropped OR filled_to IS NOT NULL;

-- JSON can say what no text of PostgreSQL can hold; such characters stand as unknown ones here.
CREATE FUNCTION warder.readable(json text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN json ~ '\\\\u(0000|d[89a-f])' THEN
  regexp_replace(json, '(?<!\\\\)((?:\\\\\\\\)*)\\\\u(?:0000|d[89a-f][0-9a-f]{2})', '\\1\\\\ufffd', 'g')
  ELSE json END $$;

CREATE FUNCTION warder.pieces_of(workspace text, search text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT coalesce(workspace, '') || ARRAY(
  SELECT substr(search, i, 3) FROM generate_series(1, length(search) - 2) AS i) $$;

CREATE FUNCTION warder.declare_metadata() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM pg_advisory_xact_lock(${DECLARATION('NEW.id')});
  END IF;
  UPDATE warder.metadata_names SET dropped = true WHERE workspace_id = NEW.id
    AND name NOT IN (SELECT json_array_elements_text(NEW.settings::json -> 'metadataFilters'));
  INSERT INTO warder.metadata_names AS names
    SELECT NEW.id, name, CASE TG_OP WHEN 'UPDATE' THEN -1 END, false
    FROM json_array_elements_text(NEW.settings::json -> 'metadataFilters') AS declared (name)
    ON CONFLICT (workspace_id, name) DO UPDATE SET dropped = false, filled_to = -1
      WHERE names.dropped;
  RETURN NULL;
END $$;
CREATE TRIGGER metadata_declared AFTER INSERT ON warder.workspaces
  FOR EACH ROW EXECUTE FUNCTION warder.declare_metadata();
CREATE TRIGGER metadata_declared_anew AFTER UPDATE OF settings ON warder.workspaces
  FOR EACH ROW WHEN ((NEW.settings::json -> 'metadataFilters')::text
    IS DISTINCT FROM (OLD.settings::json -> 'metadataFilters')::text)
  EXECUTE FUNCTION warder.declare_metadata();

CREATE FUNCTION warder.list_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.deleted_at IS NOT NULL THEN
    DELETE FROM warder.key_search WHERE position = NEW.position;
  ELSE
    INSERT INTO warder.key_search
      VALUES (NEW.position, warder.pieces_of(NEW.workspace_id, NEW.search))
      ON CONFLICT (position) DO UPDATE SET pieces = excluded.pieces;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER search_inserted AFTER INSERT ON warder.keys
  FOR EACH ROW WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION warder.list_search();
CREATE TRIGGER search_updated AFTER UPDATE OF search, deleted_at ON warder.keys
  FOR EACH ROW WHEN (NEW.search IS DISTINCT FROM OLD.search
    OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
  EXECUTE FUNCTION warder.list_search();

CREATE FUNCTION warder.list_scopes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM warder.key_scopes WHERE workspace_id = coalesce(OLD.workspace_id, '')
      AND scope IN (SELECT json_array_elements_text(OLD.scopes::json))
      AND position = OLD.position;
  END IF;
  IF NEW.deleted_at IS NULL THEN
    INSERT INTO warder.key_scopes
      SELECT coalesce(NEW.workspace_id, ''), json_array_elements_text(NEW.scopes::json), NEW.position
      ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER scopes_inserted AFTER INSERT ON warder.keys
  FOR EACH ROW WHEN (NEW.deleted_at IS NULL AND NEW.scopes <> '[]')
  EXECUTE FUNCTION warder.list_scopes();
CREATE TRIGGER scopes_updated AFTER UPDATE OF scopes, deleted_at ON warder.keys
  FOR EACH ROW WHEN (NEW.scopes IS DISTINCT FROM OLD.scopes
    OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
  EXECUTE FUNCTION warder.list_scopes();

CREATE FUNCTION warder.list_metadata() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${DECLARATION('NEW.workspace_id')});
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM warder.key_metadata AS one USING warder.metadata_names AS names
      WHERE names.workspace_id = OLD.workspace_id AND one.workspace_id = names.workspace_id
      AND one.name = names.name AND one.position = OLD.position
      AND one.value = (warder.readable(OLD.metadata)::json -> names.name)::text;
  END IF;
  IF NEW.deleted_at IS NULL THEN
    INSERT INTO warder.key_metadata ${metadataOf('NEW')} ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER metadata_inserted AFTER INSERT ON warder.keys
  FOR EACH ROW WHEN (NEW.deleted_at IS NULL AND NEW.metadata <> '{}' AND NEW.workspace_id IS NOT NULL)
  EXECUTE FUNCTION warder.list_metadata();
CREATE TRIGGER metadata_updated AFTER UPDATE OF metadata, deleted_at ON warder.keys
  FOR EACH ROW WHEN (NEW.workspace_id IS NOT NULL AND (NEW.metadata IS DISTINCT FROM OLD.metadata
    OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)))
  EXECUTE FUNCTION warder.list_metadata();
`;
