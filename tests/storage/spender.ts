// A process that takes credits of a key, several wishes at once and one credit each,
// and prints what was left after each that was acknowledged, until none is left.

import { WarderError } from '@warder/core';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';
import { NOW } from '../fixtures/domain.ts';

const [file = '', subject = '', atOnce] = process.argv.slice(2);
const { storage } = openEmbedded({ file });
const judged = { keyId: subject, key: 1, owner: null, workspace: null };
const wish = { subject, refill: null, cost: 1, charge: true, judged, now: NOW };

async function spendAll(): Promise<void> {
  for (;;) {
    const spent = await storage.spend(wish);
    if (spent === 'stale' || !spent.enough) return;
    console.log(spent.remaining);
  }
}
try {
  await Promise.all(Array.from({ length: Number(atOnce) }, spendAll));
} catch (error) {
  if (!(error instanceof WarderError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
await storage.close();
