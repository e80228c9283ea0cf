// The code of the service that a model runs, from wherever it is: as it stands, or a
// copy into which a mistake was put by hand.

import { pathToFileURL } from 'node:url';
import type { changesToTell } from '../../packages/server/src/changes-to-tell.ts';
import type { createLimitMemory } from '../../packages/server/src/limits/memory.ts';
import type { createHearing } from '../../packages/server/src/storage/postgres/hearing.ts';
import type { written } from '../../packages/server/src/storage/postgres/messages.ts';
import type { createVerifier } from '../../packages/server/src/verifier.ts';

export interface Modules {
  readonly createVerifier: typeof createVerifier;
  readonly createHearing: typeof createHearing;
  readonly createLimitMemory: typeof createLimitMemory;
  readonly written: typeof written;
  readonly changesToTell: typeof changesToTell;
}

/** @param folder the sources of the server, with a slash at its end */
export async function loadModules(folder: string): Promise<Modules> {
  const load = (file: string) => import(pathToFileURL(folder + file).href);
  return {
    ...(await load('changes-to-tell.ts')),
    ...(await load('verifier.ts')),
    ...(await load('limits/memory.ts')),
    ...(await load('storage/postgres/hearing.ts')),
    ...(await load('storage/postgres/messages.ts')),
  };
}
