// Files for their owner alone, written once: whole or not at all, and of several
// processes that write one at the same time exactly one does.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Writes the file unless one is there already, on the disk once this returns. */
export function writeOnce(file: string, text: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
  const opened = openSync(draft, 'wx', 0o600);
  try {
    writeSync(opened, text);
    fsyncSync(opened);
    // Unlike a rename, a link never replaces what another process put there.
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(opened);
    unlinkSync(draft);
  }
  syncFolder(dirname(file));
}

/** Makes a folder that is missing, with those it is in. One that is there stays as it is. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  // Node's own `recursive` never returns where the system allows no folder, as below /proc.
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** The text of a file; null where there is none. */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function syncFolder(folder: string): void {
  // Windows opens no folder, and needs no such sync.
  if (process.platform === 'win32') return;
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
