// Checks of what dialects open: ordinary keys that manage keys, and the credentials that
// trusted services share.

import { managingFormats, type NamedWorkspace, PRODUCTS } from '@warder/server';
import { findSetting } from '../../config.ts';
import { Failure } from '../../failure.ts';
import { type Check, type Finding, fail, ok, type Patient, warn } from '../check.ts';
import { dialectsIn, sharedCredentialsIn } from '../dialects.ts';
import { isLoose } from './files.ts';

const NAMED = 5;

export function dialectChecks({ store, now, flags }: Patient, kinds = PRODUCTS): Check[] {
  return [
    {
      name: 'ordinary keys that manage',
      look: () =>
        settled(() => {
          const formats = managingFormats(dialectsIn(flags, kinds));
          const found = store.managedByOrdinaryKeys(formats, now);
          if (found.length === 0) return ok('No ordinary key that is good may manage keys.');
          const [first] = found;
          return warn(
            `In ${names(found)} ordinary keys of the format ${formats.join(' or ')} may manage keys: whoever finds a leaked one can make and revoke others.`,
            `Where no client needs that, run \`warder workspaces update ${first?.id} --no-ordinary-keys-manage\`, and so for each.`,
          );
        }),
    },
    {
      name: 'shared credentials',
      look: () =>
        settled(() => {
          const given = findSetting('sharedCredentials', flags);
          if (given === null) return ok('None are set.');
          const file = given.source === 'file' ? given.where : null;
          // Windows has no such modes.
          if (file !== null && process.platform !== 'win32' && isLoose(file)) {
            return fail(`Others than its owner may use ${file}.`, `Run \`chmod 600 ${file}\`.`);
          }
          const rows = sharedCredentialsIn(flags, kinds);
          const idle = rows.flatMap(({ surface, label, workspaces }) =>
            workspaces
              .filter((one) => !store.hasWorkspace(one))
              .map((one) => `${surface} ${label}: ${one}`),
          );
          if (idle.length === 0)
            return ok(`${rows.length} are set, for workspaces that are there.`);
          return warn(
            `Some are for workspaces that are not there or are suspended: ${some(idle)}.`,
            'Take out what nobody uses, or put the id or slug right, and restart the service.',
          );
        }),
    },
  ];
}

/** What the start of a service would refuse is a finding of its own. */
function settled(look: () => Finding): Finding {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return fail(
      error.message,
      'Put it right as docs/dialects.md has it: no start takes it like this.',
    );
  }
}

function names(workspaces: readonly NamedWorkspace[]): string {
  return some(workspaces.map(({ id, slug }) => `${id} (${slug})`));
}

function some(texts: readonly string[]): string {
  return [...texts.slice(0, NAMED), ...(texts.length > NAMED ? ['...'] : [])].join(', ');
}
