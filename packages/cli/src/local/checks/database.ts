// Checks of a database in PostgreSQL: that it answers, is of this version and of this secret,
// what a failover may forget, what stands between, and that its events are what was sealed.

import { auditChainAsRead } from '@warder/core';
import {
  checkSecrets,
  type DatabaseExamination,
  examinePostgres,
  type ServerHost,
  withSealedEvents,
} from '@warder/server';
import { type Check, type Finding, fail, ok, warn } from '../check.ts';
import { startFailure } from '../installation.ts';

const LARGEST_SKEW = 1_000;

export interface ExaminedDatabase {
  readonly checks: readonly Check[];
  /** Null where it could not be looked at. */
  readonly found: DatabaseExamination | null;
}

/** @param host null where the secret is missing */
export async function databaseChecks(
  url: string,
  host: ServerHost | null,
): Promise<ExaminedDatabase> {
  let found: DatabaseExamination;
  try {
    found = await examinePostgres({ url }, () => Date.now());
  } catch (error) {
    return { checks: [{ name: 'database', look: () => raise(startFailure(error)) }], found: null };
  }
  const checks: Check[] = [
    { name: 'database', look: () => ok(`PostgreSQL ${found.version} answers.`) },
    { name: 'schema', look: () => schemaOf(found) },
    { name: 'replication', look: () => replicationOf(found) },
    { name: 'connection', look: () => connectionOf(found) },
    { name: 'clock', look: () => clockOf(found) },
  ];
  const { installation } = found;
  if (installation !== null) {
    checks.push({ name: 'secret and peppers', look: () => secretsOf(installation.checks, host) });
    const events = await eventsOf(url, host);
    checks.push({ name: 'events', look: () => events });
  }
  return { checks, found };
}

function raise(error: unknown): never {
  throw error;
}

function schemaOf({ pending, copying }: DatabaseExamination): Finding {
  if (copying) {
    return fail('A copy into this database is not finished.', 'Run the same `warder copy` again.');
  }
  if (pending.length === 0) return ok('The schema is the one of this version.');
  const names = pending.map(({ number, name }) => `${number} (${name})`).join(', ');
  return warn(
    `Migrations are pending: ${names}.`,
    'Run `warder migrate`, with the role that may: a start refuses the database until then.',
  );
}

function replicationOf({ synchronousStandbys, synchronousCommit }: DatabaseExamination): Finding {
  const waits = synchronousStandbys !== '' && /^(on|remote_apply)$/.test(synchronousCommit);
  if (waits) return ok(`A commit waits for standbys: ${synchronousStandbys}.`);
  return warn(
    'A commit waits for no standby: a failover may forget what was acknowledged in its last moments, a revoke among it.',
    "Where there is a standby that may be promoted, set synchronous_standby_names to it, and leave synchronous_commit 'on'.",
  );
}

function connectionOf({ ports }: DatabaseExamination): Finding {
  const { asked, answered } = ports;
  if (answered === null || asked.includes(answered)) {
    return ok('Nothing that tells of itself stands between here and the server.');
  }
  return ok(
    `Port ${asked.join(', ')} was asked and port ${answered} answers: where a pooler stands between, name the server itself by --database-direct, and one before PgBouncer 1.21 needs --database-prepare off.`,
  );
}

function clockOf({ clockAheadMilliseconds: ahead }: DatabaseExamination): Finding {
  if (Math.abs(ahead) <= LARGEST_SKEW) {
    return ok('The clocks of the database and of this machine agree.');
  }
  const seconds = (Math.abs(ahead) / 1000).toFixed(1);
  return warn(
    `The clock of the database is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's.`,
    'Set both by NTP: keys expire by this one, windows of limits end by that one.',
  );
}

function secretsOf(checks: Parameters<typeof checkSecrets>[0], host: ServerHost | null): Finding {
  if (host === null) {
    return fail(
      'The installation secret is missing.',
      'Put it back as DATA/secret, or give it by WARDER_SECRET_FILE or WARDER_SECRET: no key can be found without it.',
    );
  }
  const later = checkSecrets(checks, host);
  if (later.length === 0) return ok('They are the ones this database was made with.');
  const names = later.map(({ name }) => name).join(', ');
  return ok(`They fit; ${names} will be noted at the next start.`);
}

async function eventsOf(url: string, host: ServerHost | null): Promise<Finding> {
  if (host === null) {
    return fail('Without the secret, nobody can tell which events are genuine.', 'As above.');
  }
  return withSealedEvents({ url }, async (sealed) => {
    let events = 0;
    for (const chain of sealed.chains) {
      const parts = { host, erasedOwners: sealed.erasedOwners, noted: [] };
      const report = await auditChainAsRead(chain, sealed.of(chain.name), parts);
      if (report.fault !== null) {
        return fail(
          `Chain ${chain.name}, event ${report.fault.number}: ${report.fault.what}.`,
          'Run `warder events verify` for all that is wrong, and find out who can write to the database.',
        );
      }
      events += report.events;
    }
    return ok(`${events} sealed events hold; ${sealed.unsealed} are not sealed yet.`);
  });
}
