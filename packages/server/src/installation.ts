// Opening an installation: its store, made ready on the very first start, and the
// proof that it is opened with the secret and the peppers it was made with.

import {
  type DrawnToken,
  type Installation,
  install,
  type SecretCheck,
  type Storage,
} from '@warder/core';
import { instanceGrant } from './auth.ts';
import type { ServerHost } from './host.ts';

/** Why a start is refused, in one sentence for the operator. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

/**
 * Sets up an empty store, or checks that a store is opened with its own secrets.
 * @param firstToken the token of the first management key, or null for none; asked for only when the store is empty
 * @throws StartRefused for another secret, or a pepper that is missing or another
 */
export async function openInstallation(
  storage: Storage,
  host: ServerHost,
  firstToken: () => Promise<DrawnToken | null>,
): Promise<Installation> {
  const found = await storage.installation();
  const installation =
    found ?? (await install(storage, instanceGrant(), host, await firstToken(), host.checks));
  const added = checkSecrets(installation.checks, host);
  if (added.length > 0) {
    const changes = added.map((check) => ({ type: 'add_secret_check', check }) as const);
    const outcome = await storage.everywhere(instanceGrant()).commit(changes);
    // Another process that adds the same at this moment is checked against in turn.
    if (outcome === 'stale') return await openInstallation(storage, host, firstToken);
  }
  return installation;
}

/**
 * Checks that what a database remembers of its secrets fits those given.
 * @returns what is given and it does not remember yet
 * @throws StartRefused
 */
export function checkSecrets(
  checks: readonly SecretCheck[],
  host: Pick<ServerHost, 'checks'>,
): readonly SecretCheck[] {
  const given = new Map(host.checks.map(({ name, value }) => [name, value]));
  for (const { name, value } of checks) {
    if (given.get(name) !== value) throw refusal(name, given.has(name));
    given.delete(name);
  }
  return Array.from(given, ([name, value]) => ({ name, value }));
}

function refusal(name: string, isGiven: boolean): StartRefused {
  if (name === 'secret') {
    return new StartRefused(
      'The installation secret is not the one this database was made with: put the right one in place (DATA/secret, WARDER_SECRET_FILE or WARDER_SECRET), no key can be found without it.',
    );
  }
  const fault = isGiven ? 'is not the one this database was used with' : 'is missing';
  return new StartRefused(
    `The ${name} ${fault}: give it as \`${name.replace('pepper ', '')}:<64 hexadecimal digits>\` in WARDER_PEPPER_FILE or WARDER_PEPPER, its keys cannot be found without it.`,
  );
}
