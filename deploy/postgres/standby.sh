#!/usr/bin/env bash
# The standby: a copy of the primary at its first start, which follows it from then on
# under the name that the primary waits for.
set -euo pipefail

export PGPASSWORD
PGPASSWORD="$(cat /run/secrets/postgres)"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chown postgres:postgres "$PGDATA"
  chmod 700 "$PGDATA"
  until gosu postgres pg_basebackup --pgdata "$PGDATA" --wal-method stream --write-recovery-conf \
    --dbname "host=$PRIMARY user=replicator application_name=standby"; do
    sleep 2
  done
fi
# Once it is promoted there is nobody that it could wait for.
# Changes wait for it: after the primary was started again it looks for it soon.
exec gosu postgres postgres -c hot_standby=on -c synchronous_standby_names= \
  -c wal_retrieve_retry_interval=500ms
