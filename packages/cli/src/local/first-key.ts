// The file of the first key. It is written before the key is stored, so a start
// that breaks off in between leaves a file that the next start takes, and several
// first starts at once agree on one key.

import { type DrawnToken, drawFirstToken, readToken } from '@warder/core';
import { readIfThere, type ServerHost, writeOnce } from '@warder/server';
import { refused } from './installation.ts';

/** The key in the file, which is made with a new one where it is missing. */
export function firstKeyIn(file: string, host: ServerHost): DrawnToken {
  const held = readFirstKey(file);
  if (held !== null) return held;
  writeOnce(file, `${drawFirstToken(host).secret}\n`);
  const written = readFirstKey(file);
  if (written === null) throw refused(`The file ${file} was taken away while it was written.`);
  return written;
}

/** The key in the file; null where there is no file. @throws Failure for a file with anything else in it */
export function readFirstKey(file: string): DrawnToken | null {
  const text = readIfThere(file);
  if (text === null) return null;
  const token = readToken(text.replace(/\r?\n$/, ''));
  if (token?.prefix.endsWith('_live_')) return token;
  throw refused(
    `The file ${file} holds something else than a key: take it away, or put a key of the form wdr_live_... into it.`,
  );
}
