// The schema in PostgreSQL's words, one migration after the other, written for the schema
// `warder`. A released one is never edited: its checksum is in every database. Texts are
// compared byte by byte, whatever the database's own order is. That a key's workspace is
// there is held by guards.ts: a foreign key would write to the workspace's row, which all
// of its keys share, with each of them.

import { USAGE_STEPS } from '@warder/core';
import type { Migration } from '../../migration.ts';
import { COUNT_COLUMNS, USAGE_TABLES } from '../../usage-tables.ts';
import { KEY_TABLES, keyIndices } from './key-indices.ts';

// Made of the codes while no migration is released, as in SQLite.
const counters = COUNT_COLUMNS.map((column) => `${column} bigint NOT NULL DEFAULT 0`).join(',\n  ');
const usageTables = USAGE_STEPS.map(
  (step) => `
CREATE TABLE warder.${USAGE_TABLES[step]} (
  bucket bigint NOT NULL,
  kind smallint NOT NULL,
  position bigint NOT NULL,
  ${counters},
  PRIMARY KEY (bucket, kind, position)
) WITH (fillfactor = 70);`,
).join('');

const FIRST = `
CREATE TABLE warder.installation (
  id smallint PRIMARY KEY CHECK (id = 1),
  default_workspace_id TEXT NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE warder.secret_checks (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE warder.workspaces (
  position bigint PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  settings TEXT NOT NULL,
  is_default smallint NOT NULL,
  created_by_type TEXT NOT NULL,
  created_by_id TEXT NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  suspended_at bigint,
  deleted_at bigint,
  version bigint NOT NULL,
  search TEXT NOT NULL
);
CREATE UNIQUE INDEX workspaces_slug ON warder.workspaces (slug) WHERE deleted_at IS NULL;
-- Where nulls stand in an index of a list, scan.ts says why.
CREATE INDEX workspaces_list ON warder.workspaces (position NULLS FIRST) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_deleted ON warder.workspaces (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE warder.owners (
  position bigint PRIMARY KEY,
  id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  external_id TEXT NOT NULL,
  type TEXT,
  name TEXT,
  metadata TEXT NOT NULL,
  limits TEXT,
  credits TEXT,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  suspended_at bigint,
  erased_at bigint,
  version bigint NOT NULL,
  search TEXT NOT NULL,
  UNIQUE (workspace_id, external_id)
);
CREATE INDEX owners_to_erase ON warder.owners (id)
  WHERE erased_at IS NOT NULL AND external_id <> id;
CREATE INDEX owners_list_in_workspace ON warder.owners (workspace_id, position);

CREATE TABLE warder.members (
  position bigint PRIMARY KEY,
  id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  role TEXT NOT NULL,
  name TEXT,
  source TEXT NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  removed_at bigint,
  version bigint NOT NULL,
  search TEXT NOT NULL
);
CREATE UNIQUE INDEX members_once ON warder.members (workspace_id, issuer, subject)
  WHERE removed_at IS NULL;
CREATE INDEX members_of_subject ON warder.members (issuer, subject, removed_at);
CREATE INDEX members_list ON warder.members (position NULLS FIRST) WHERE removed_at IS NULL;
CREATE INDEX members_list_in_workspace ON warder.members (workspace_id, position)
  WHERE removed_at IS NULL;
CREATE INDEX members_of_role ON warder.members (workspace_id, role, position NULLS FIRST)
  WHERE removed_at IS NULL;

CREATE TABLE warder.keys (
  position bigint PRIMARY KEY,
  id TEXT NOT NULL,
  digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
  pepper_version bigint NOT NULL,
  handle TEXT NOT NULL,
  workspace_id TEXT,
  kind TEXT NOT NULL,
  environment TEXT NOT NULL,
  format TEXT NOT NULL,
  token_prefix TEXT NOT NULL,
  token_start TEXT NOT NULL,
  token_end TEXT NOT NULL,
  enabled smallint NOT NULL,
  soft_blocked smallint NOT NULL,
  name TEXT,
  owner_id TEXT,
  scopes TEXT,
  permissions TEXT,
  grants TEXT,
  allowed_cidrs TEXT NOT NULL,
  allow_self_revoke smallint NOT NULL,
  limits TEXT,
  metadata TEXT NOT NULL,
  extension TEXT NOT NULL,
  credits TEXT,
  not_before bigint,
  expires_at bigint,
  created_by_type TEXT NOT NULL,
  created_by_id TEXT NOT NULL,
  replaces TEXT,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  revoked_at bigint,
  revoked_reason TEXT,
  deleted_at bigint,
  erased_at bigint,
  version bigint NOT NULL,
  state TEXT NOT NULL,
  turns_at bigint,
  expiry_order bigint NOT NULL,
  name_order TEXT NOT NULL,
  search TEXT NOT NULL,
  last_used_day bigint NOT NULL DEFAULT 0
);
${keyIndices()}
CREATE INDEX keys_of_owner ON warder.keys (workspace_id, owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX keys_made_by_member ON warder.keys (workspace_id, created_by_id)
  WHERE created_by_type = 'member' AND kind = 'management' AND revoked_at IS NULL;
CREATE INDEX keys_in_force ON warder.keys (workspace_id, owner_id) WHERE revoked_at IS NULL;
CREATE INDEX keys_of_products ON warder.keys (workspace_id, format)
  WHERE revoked_at IS NULL AND format <> 'warder';
CREATE INDEX keys_handle ON warder.keys (handle);
CREATE INDEX keys_turning ON warder.keys (turns_at) WHERE turns_at IS NOT NULL;

CREATE TABLE warder.key_usage (
  key_position bigint PRIMARY KEY,
  last_used_at bigint NOT NULL
) WITH (fillfactor = 70);
${usageTables}
-- The last row of a step that is rolled up into the next: all before it are, too.
CREATE TABLE warder.usage_rolled (
  step TEXT PRIMARY KEY,
  bucket bigint NOT NULL,
  kind smallint NOT NULL,
  position bigint NOT NULL
);
INSERT INTO warder.usage_rolled VALUES ('hour', -1, 0, 0), ('day', -1, 0, 0);
-- Subjects that are gone, whose rows are still to be removed.
CREATE TABLE warder.usage_to_forget (
  kind smallint NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (kind, position)
);

CREATE TABLE warder.key_refusals (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_position bigint NOT NULL,
  at bigint NOT NULL,
  code TEXT NOT NULL,
  missing_scopes TEXT NOT NULL,
  address TEXT
);
CREATE INDEX key_refusals_of_key ON warder.key_refusals (key_position, number);

CREATE TABLE warder.limit_windows (
  id TEXT PRIMARY KEY,
  started_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  taken bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX limit_windows_ending ON warder.limit_windows (ends_at);

CREATE TABLE warder.balances (
  subject TEXT PRIMARY KEY,
  balance bigint NOT NULL CHECK (balance >= 0),
  refill_at bigint
) WITH (fillfactor = 70);
${KEY_TABLES}
CREATE TABLE warder.events (
  position bigint PRIMARY KEY,
  id TEXT NOT NULL,
  workspace_id TEXT,
  type TEXT NOT NULL,
  created_at bigint NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  address TEXT,
  request_id TEXT,
  shared_credential TEXT,
  subject_type TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  "before" TEXT,
  "after" TEXT,
  owner_id TEXT,
  former_owner_id TEXT,
  actor_owner_id TEXT,
  erased_at bigint,
  chain TEXT,
  number bigint,
  mac TEXT,
  payload_salt TEXT,
  payload_digest TEXT,
  address_salt TEXT,
  address_digest TEXT
);
CREATE INDEX events_list_in_workspace ON warder.events (workspace_id, position);
CREATE INDEX events_of_type ON warder.events (workspace_id, type, position NULLS FIRST);
CREATE INDEX events_of_actor ON warder.events (workspace_id, actor_id, position NULLS FIRST);
CREATE INDEX events_of_subject ON warder.events (workspace_id, subject_id, position NULLS FIRST);
CREATE INDEX events_of_owner ON warder.events (workspace_id, owner_id, position NULLS FIRST)
  WHERE owner_id IS NOT NULL;
CREATE INDEX events_to_seal ON warder.events (position) WHERE number IS NULL;
CREATE UNIQUE INDEX events_sealed ON warder.events (chain, number) WHERE number IS NOT NULL;
CREATE INDEX events_to_erase ON warder.events (owner_id)
  WHERE owner_id IS NOT NULL AND ("before" IS NOT NULL OR "after" IS NOT NULL);
CREATE INDEX events_to_erase_of_former ON warder.events (former_owner_id)
  WHERE former_owner_id IS NOT NULL AND ("before" IS NOT NULL OR "after" IS NOT NULL);
CREATE INDEX events_to_erase_of_actor ON warder.events (actor_owner_id)
  WHERE actor_owner_id IS NOT NULL AND address IS NOT NULL;

CREATE TABLE warder.chains (
  name TEXT PRIMARY KEY,
  number bigint NOT NULL,
  mac TEXT NOT NULL,
  base_number bigint NOT NULL,
  base_mac TEXT NOT NULL,
  base_seal TEXT,
  logged bigint NOT NULL
);
CREATE INDEX chains_to_log ON warder.chains (name) WHERE logged < number;

CREATE TABLE warder.replies (
  id TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  key_id TEXT,
  sealed TEXT NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX replies_ending ON warder.replies (expires_at);
`;

/** Types of text in capitals stand for texts that are compared byte by byte. */
const bytewise = (sql: string) => sql.replaceAll(/\bTEXT\b/g, 'text COLLATE "C"');

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'keys, owners, members, workspaces, events',
    oldestProgram: 1,
    sql: bytewise(FIRST),
  },
];
