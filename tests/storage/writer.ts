// A process that writes keys to a file, one commit each, and prints the id of
// each that was acknowledged; then how many keys a list finds. It leaves the
// store open: its end shows that nothing keeps the process alive.

import { WarderError } from '@warder/core';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';
import { NOW } from '../fixtures/domain.ts';
import { worldIn } from './store.ts';

const [file = '', seed, count] = process.argv.slice(2);
const world = worldIn(openEmbedded({ file }), Number(seed));
try {
  for (let i = 0; i < Number(count); i++) console.log((await world.key()).key.id);
} catch (error) {
  if (!(error instanceof WarderError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
const { total } = await world.all.keys({ now: NOW }, { limit: 1, from: null, total: 'exact' });
console.log(`listed ${total?.count}`);
