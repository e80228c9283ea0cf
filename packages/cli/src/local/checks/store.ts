// Checks of what is in the database: that it is whole, of this version, of this
// secret, and that its events are what was sealed.

import { auditChain } from '@warder/core';
import { checkSecrets, openSealedEvents } from '@warder/server';
import { type Check, fail, ok, type Patient, warn } from '../check.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const BACKUP_DAYS = 7;
const SKEW_MINUTES = 5;

export function storeChecks({ store, host, file, now }: Patient): Check[] {
  return [
    {
      name: 'integrity',
      look() {
        const faults = store.faults();
        if (faults.length === 0) return ok('The database is sound.');
        return fail(
          `The database is damaged: ${faults.join('; ')}.`,
          'Stop the service, keep a copy of the folder, and restore the last backup: `warder restore FILE --events EVENTS --replace`.',
        );
      },
    },
    {
      name: 'schema',
      look() {
        const pending = store.pending();
        if (pending.length === 0) return ok('The schema is the one of this version.');
        const names = pending.map(({ number, name }) => `${number} (${name})`).join(', ');
        return warn(
          `Migrations are pending: ${names}.`,
          'Run `warder migrate`, or start the service: both leave a copy of the database beside it first.',
        );
      },
    },
    {
      name: 'secret and peppers',
      look() {
        if (host === null) {
          return fail(
            'The installation secret is missing.',
            'Put it back as DATA/secret, or give it by WARDER_SECRET_FILE or WARDER_SECRET: no key can be found without it.',
          );
        }
        const later = checkSecrets(store.checks(), host);
        if (later.length === 0) return ok('They are the ones this database was made with.');
        const names = later.map(({ name }) => name).join(', ');
        return ok(`They fit; ${names} will be noted at the next start.`);
      },
    },
    {
      name: 'events',
      look() {
        if (host === null) {
          return fail('Without the secret, nobody can tell which events are genuine.', 'As above.');
        }
        const sealed = openSealedEvents(file);
        try {
          const { chains, erasedOwners, unsealed } = sealed;
          const reports = chains.map((chain) =>
            auditChain(chain, sealed.of(chain.name), { host, erasedOwners, noted: [] }),
          );
          const [broken] = reports.filter(({ fault }) => fault !== null);
          if (broken?.fault) {
            const { number, what } = broken.fault;
            return fail(
              `Chain ${broken.chain}, event ${number}: ${what}.`,
              'Run `warder events verify` for all that is wrong, and find out who can write to the data folder.',
            );
          }
          const events = reports.reduce((sum, report) => sum + report.events, 0);
          return ok(`${events} sealed events hold; ${unsealed} are not sealed yet.`);
        } finally {
          sealed.close();
        }
      },
    },
    {
      name: 'clock',
      look() {
        const newest = store.newestEvent() ?? 0;
        if (newest <= now + SKEW_MINUTES * MINUTE) return ok('No event is from the future.');
        return warn(
          `The newest event is of ${new Date(newest).toISOString()}, which is yet to come.`,
          'Set the clock of this machine by NTP: keys expire by it.',
        );
      },
    },
    {
      name: 'backup',
      look() {
        const last = store.lastOf('installation.backed_up');
        const advice =
          'Run `warder backup` every day, keep what it makes on another machine, and the secret apart from it.';
        if (last === null) return warn('No backup was ever made by `warder backup`.', advice);
        const days = Math.floor((now - last) / DAY);
        if (days < BACKUP_DAYS) {
          return ok(`The last backup is of ${new Date(last).toISOString()}.`);
        }
        return warn(`The last backup is ${days} days old.`, advice);
      },
    },
  ];
}
