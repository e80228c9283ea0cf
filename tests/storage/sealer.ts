// A process that writes events to a file and seals whatever waits there, beside
// others that do the same. Prints how many it sealed.

import { ALL_KEYS, drawFirstToken, install, NO_ORIGIN, operations } from '@warder/core';
import { instanceGrant } from '../../packages/server/src/auth.ts';
import { createHost } from '../../packages/server/src/host.ts';
import { createLimitMemory } from '../../packages/server/src/limits/memory.ts';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';
import { createVerifier } from '../../packages/server/src/verifier.ts';
import { INSTANCE } from '../fixtures/domain.ts';

const [file = '', count] = process.argv.slice(2);
const host = createHost({ secret: new Uint8Array(32).fill(7) });
const limits = createLimitMemory();
const opened = { ...openEmbedded({ file }), limits };
const { verifier, storage } = createVerifier(host, opened, { count: () => {} });
const taker = { take: () => Promise.reject(new Error('nothing is taken here')) };
const token = drawFirstToken(host);
const { defaultWorkspaceId } = await install(storage, instanceGrant(), host, token, host.checks);
const system = operations({ storage, host, verifier, limits: taker, defaultWorkspaceId }).as({
  identity: { type: 'system', id: 'sealer' },
  home: INSTANCE,
  environment: null,
  permissions: ['*'],
  grants: { scopes: ['*'], environments: ['live', 'test'], maxLifeSeconds: null },
  bounds: ALL_KEYS,
  expiresAt: null,
  keysEndBy: null,
  key: null,
  origin: NO_ORIGIN,
});
let sealed = 0;
for (let i = 0; i < Number(count); i++) {
  await system.createKey({});
  if (i % 3 === 0) sealed += await system.sealEvents();
}
for (let more = 1; more > 0; sealed += more) more = await system.sealEvents();
console.log(sealed);
await storage.close();
