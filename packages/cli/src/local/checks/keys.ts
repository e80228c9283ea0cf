// Checks of the keys: those that live for ever, and management keys that nobody
// uses or that may do everything.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedKey } from '@warder/server';
import { type Check, ok, type Patient, warn } from '../check.ts';
import { readFirstKey } from '../first-key.ts';

const DAY = 86_400_000;
const IDLE_DAYS = 90;
const NEVER_USED_DAYS = 30;
const NAMED = 5;

export function keyChecks({ store, host, data, now }: Patient): Check[] {
  return [
    {
      name: 'keys without an end',
      look() {
        const count = store.endlessKeys(now);
        if (count === 0) return ok('Every standard key that is good expires some day.');
        return warn(
          `${count} standard ${count === 1 ? 'key never expires' : 'keys never expire'}.`,
          'Give a workspace a default and a longest life (`warder workspaces update ID --default-life 365d --max-life 365d`) and these keys an end (`warder keys update ID --expires-in 90d`).',
        );
      },
    },
    {
      name: 'unused management keys',
      look() {
        const idle = store.idleManagers(now, now - IDLE_DAYS * DAY, now - NEVER_USED_DAYS * DAY);
        if (idle.length === 0) return ok('Every management key is in use.');
        return warn(
          `${idle.length} not used for ${IDLE_DAYS} days, or never in ${NEVER_USED_DAYS}: ${names(idle)}.`,
          'Revoke what nobody needs: `warder keys revoke ID`.',
        );
      },
    },
    {
      name: 'keys that may do everything',
      look() {
        const mighty = store.mightyManagers(now);
        if (mighty.length < 2) return ok(`${mighty.length} may do everything.`);
        return warn(
          `${mighty.length} may do everything ("*"): ${names(mighty)}.`,
          'Keep one for emergencies, and give the others what they need: `warder keys update ID --permissions issuer`.',
        );
      },
    },
    {
      name: 'first key',
      look() {
        const file = join(data, 'first-key');
        const token = readFirstKey(file);
        if (token === null) return ok('No first key lies in the data folder.');
        const advice = `Move ${file} to where your secrets are kept, or revoke its key once others exist.`;
        const key = host && store.keyOf(host.digests(token.secret), now);
        if (key && !key.good) {
          return warn(`${file} holds a key that is not good any more.`, `Remove ${file}.`);
        }
        if (key && key.usedAt !== null) {
          return warn(`${file} holds a key that is in use and may do everything.`, advice);
        }
        if (now - statSync(file).mtimeMs > DAY) {
          return warn(`${file} has been lying there for more than a day.`, advice);
        }
        return ok('The first key is new and was not used yet.');
      },
    },
  ];
}

function names(keys: readonly NamedKey[]): string {
  const some = keys.slice(0, NAMED).map(({ id, name }) => (name === null ? id : `${id} (${name})`));
  return [...some, ...(keys.length > NAMED ? ['...'] : [])].join(', ');
}
