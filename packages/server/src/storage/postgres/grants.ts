// What the role that migrates and the role of the service must be allowed, as statements.
// The service can neither change the schema nor drop anything.

import { SCHEMA } from './builder.ts';

const TO_SERVE = 'SELECT, INSERT, UPDATE, DELETE';

/** @param migrating the role that runs `warder migrate` @param serving the role of the service */
export function grantsFor(migrating: string, serving: string): string {
  const [migrator, service] = [quoted(migrating), quoted(serving)];
  return `-- To be run by an administrator, before the first \`warder migrate\`.
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ${migrator}', current_database()); END $$;
-- What the service may do with what ${migrator} makes, now and later. To be run as ${migrator}, after it.
GRANT USAGE ON SCHEMA ${SCHEMA} TO ${service};
GRANT ${TO_SERVE} ON ALL TABLES IN SCHEMA ${SCHEMA} TO ${service};
ALTER DEFAULT PRIVILEGES IN SCHEMA ${SCHEMA} GRANT ${TO_SERVE} ON TABLES TO ${service};
`;
}

/** As an identifier, within a text of its own too: roles that would need more than that are refused. */
function quoted(role: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(role)) return role;
  throw new RangeError('A role is named by up to 63 lower-case letters, digits and underscores.');
}
