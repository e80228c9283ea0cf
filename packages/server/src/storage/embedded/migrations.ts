// The schema in SQLite's words, one migration after the other. A released one is
// never edited: its checksum is in every database. Tables are STRICT. Partial
// indices leave out what their lists never show, so that what is gone costs nothing;
// they end with the column of their condition, so that a count reads nothing else.

import type { Migration } from '../../migration.ts';
import { KEY_TABLES, keyIndices } from './key-indices.ts';
import { USAGE_SCHEMA } from './usage-schema.ts';

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'keys, owners, members, workspaces, events',
    oldestProgram: 1,
    sql: `
CREATE TABLE installation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  default_workspace_id TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE secret_checks (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspaces (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  number INTEGER UNIQUE,
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  settings TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  created_by_type TEXT NOT NULL,
  created_by_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  suspended_at INTEGER,
  deleted_at INTEGER,
  version INTEGER NOT NULL,
  search TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX workspaces_slug ON workspaces (slug) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_list ON workspaces (position) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_deleted ON workspaces (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE owners (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  external_id TEXT NOT NULL,
  type TEXT,
  name TEXT,
  metadata TEXT NOT NULL,
  limits TEXT,
  credits TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  suspended_at INTEGER,
  erased_at INTEGER,
  version INTEGER NOT NULL,
  search TEXT NOT NULL,
  UNIQUE (workspace_id, external_id)
) STRICT;
CREATE INDEX owners_to_erase ON owners (id) WHERE erased_at IS NOT NULL AND external_id <> id;
CREATE INDEX owners_list_in_workspace ON owners (workspace_id, position);

CREATE TABLE members (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  role TEXT NOT NULL,
  name TEXT,
  source TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  removed_at INTEGER,
  version INTEGER NOT NULL,
  search TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX members_once ON members (workspace_id, issuer, subject)
  WHERE removed_at IS NULL;
CREATE INDEX members_of_subject ON members (issuer, subject, removed_at);
CREATE INDEX members_list ON members (position) WHERE removed_at IS NULL;
CREATE INDEX members_list_in_workspace ON members (workspace_id, position)
  WHERE removed_at IS NULL;
CREATE INDEX members_of_role ON members (workspace_id, role, position) WHERE removed_at IS NULL;

CREATE TABLE keys (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  pepper_version INTEGER NOT NULL,
  handle TEXT NOT NULL,
  workspace_id TEXT REFERENCES workspaces (id),
  kind TEXT NOT NULL,
  environment TEXT NOT NULL,
  format TEXT NOT NULL,
  token_prefix TEXT NOT NULL,
  token_start TEXT NOT NULL,
  token_end TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  soft_blocked INTEGER NOT NULL,
  name TEXT,
  owner_id TEXT,
  scopes TEXT,
  permissions TEXT,
  grants TEXT,
  allowed_cidrs TEXT NOT NULL,
  allow_self_revoke INTEGER NOT NULL,
  limits TEXT,
  metadata TEXT NOT NULL,
  extension TEXT NOT NULL,
  credits TEXT,
  not_before INTEGER,
  expires_at INTEGER,
  created_by_type TEXT NOT NULL,
  created_by_id TEXT NOT NULL,
  replaces TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  revoked_at INTEGER,
  revoked_reason TEXT,
  deleted_at INTEGER,
  erased_at INTEGER,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  turns_at INTEGER,
  expiry_order INTEGER NOT NULL,
  name_order TEXT NOT NULL,
  search TEXT NOT NULL,
  last_used_day INTEGER NOT NULL DEFAULT 0
) STRICT;
${keyIndices()}
CREATE INDEX keys_deleted_of_owner ON keys (workspace_id, owner_id)
  WHERE deleted_at IS NOT NULL AND owner_id IS NOT NULL;
CREATE INDEX keys_made_by_member ON keys (workspace_id, created_by_id)
  WHERE created_by_type = 'member' AND kind = 'management' AND revoked_at IS NULL;
CREATE INDEX keys_in_force ON keys (workspace_id, owner_id, revoked_at) WHERE revoked_at IS NULL;
CREATE INDEX keys_of_products ON keys (workspace_id, format)
  WHERE revoked_at IS NULL AND format <> 'warder';
CREATE INDEX keys_handle ON keys (handle);
CREATE INDEX keys_turning ON keys (turns_at) WHERE turns_at IS NOT NULL;

CREATE TABLE key_usage (
  key_position INTEGER PRIMARY KEY REFERENCES keys (position),
  last_used_at INTEGER NOT NULL
) STRICT;
${USAGE_SCHEMA}
CREATE TABLE limit_windows (
  id TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  taken INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX limit_windows_ending ON limit_windows (ends_at);

CREATE TABLE balances (
  subject TEXT PRIMARY KEY,
  balance INTEGER NOT NULL CHECK (balance >= 0),
  refill_at INTEGER
) STRICT, WITHOUT ROWID;
${KEY_TABLES}
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  workspace_id TEXT,
  type TEXT NOT NULL,
  created_at INTEGER NOT NULL,
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
  erased_at INTEGER,
  chain TEXT,
  number INTEGER,
  mac TEXT,
  payload_salt TEXT,
  payload_digest TEXT,
  address_salt TEXT,
  address_digest TEXT
) STRICT;
-- Each ends with the position, which every index of a table has behind its columns.
CREATE INDEX events_list_in_workspace ON events (workspace_id);
CREATE INDEX events_of_type ON events (workspace_id, type);
CREATE INDEX events_of_actor ON events (workspace_id, actor_id);
CREATE INDEX events_of_subject ON events (workspace_id, subject_id);
CREATE INDEX events_of_owner ON events (workspace_id, owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX events_to_seal ON events (number) WHERE number IS NULL;
CREATE UNIQUE INDEX events_sealed ON events (chain, number) WHERE number IS NOT NULL;
CREATE INDEX events_to_erase ON events (owner_id)
  WHERE owner_id IS NOT NULL AND ("before" IS NOT NULL OR "after" IS NOT NULL);
CREATE INDEX events_to_erase_of_former ON events (former_owner_id)
  WHERE former_owner_id IS NOT NULL AND ("before" IS NOT NULL OR "after" IS NOT NULL);
CREATE INDEX events_to_erase_of_actor ON events (actor_owner_id)
  WHERE actor_owner_id IS NOT NULL AND address IS NOT NULL;

CREATE TABLE chains (
  name TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  mac TEXT NOT NULL,
  base_number INTEGER NOT NULL,
  base_mac TEXT NOT NULL,
  base_seal TEXT,
  logged INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX chains_to_log ON chains (name) WHERE logged < number;

CREATE TABLE replies (
  id TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  key_id TEXT,
  sealed TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replies_ending ON replies (expires_at);
`,
  },
];
