// The schema in SQLite's words, one migration after the other. A released one is
// never edited: its checksum is in every database. Tables are STRICT. Partial
// indices leave out what their lists never show, so that what is gone costs nothing;
// they end with the column of their condition, so that a count reads nothing else.

import type { Migration } from '../../migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'keys, owners, workspaces, events',
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
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  settings TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  suspended_at INTEGER,
  deleted_at INTEGER,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX workspaces_slug ON workspaces (slug) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_list ON workspaces (created_at, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_deleted ON workspaces (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE owners (
  id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  external_id TEXT NOT NULL,
  type TEXT,
  name TEXT,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  suspended_at INTEGER,
  version INTEGER NOT NULL,
  UNIQUE (workspace_id, external_id)
) STRICT;
CREATE INDEX owners_list ON owners (created_at, id);
CREATE INDEX owners_list_in_workspace ON owners (workspace_id, created_at, id);

CREATE TABLE keys (
  rowid INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
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
  metadata TEXT NOT NULL,
  extension TEXT NOT NULL,
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
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX keys_list ON keys (created_at, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX keys_list_in_workspace ON keys (workspace_id, created_at, id, deleted_at)
  WHERE deleted_at IS NULL;
CREATE INDEX keys_list_of_owner ON keys (workspace_id, owner_id, created_at, id, deleted_at)
  WHERE deleted_at IS NULL AND owner_id IS NOT NULL;
CREATE INDEX keys_deleted ON keys (created_at, id, deleted_at, erased_at)
  WHERE deleted_at IS NOT NULL AND erased_at IS NULL;
CREATE INDEX keys_deleted_in_workspace
  ON keys (workspace_id, created_at, id, deleted_at, erased_at)
  WHERE deleted_at IS NOT NULL AND erased_at IS NULL;
CREATE INDEX keys_in_force ON keys (workspace_id, owner_id, revoked_at) WHERE revoked_at IS NULL;

CREATE TABLE key_usage (
  key_rowid INTEGER PRIMARY KEY REFERENCES keys (rowid),
  last_used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
  id TEXT PRIMARY KEY,
  workspace_id TEXT,
  type TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  address TEXT,
  request_id TEXT,
  subject_type TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  "before" TEXT,
  "after" TEXT
) STRICT;
CREATE INDEX events_list ON events (created_at, id);
CREATE INDEX events_list_in_workspace ON events (workspace_id, created_at, id);

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
