#!/usr/bin/env bash
# Run once, when the primary's database is made: lets the standby copy it and follow, and
# from the next start on has each commit wait until the standby has it on its disk.
set -euo pipefail

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)';
CREATE ROLE replicator WITH REPLICATION LOGIN PASSWORD '$(cat "$POSTGRES_PASSWORD_FILE")';
SQL
echo 'host replication replicator all scram-sha-256' >> "$PGDATA/pg_hba.conf"
