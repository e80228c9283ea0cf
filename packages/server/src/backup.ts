// The file of a backup: a whole SQLite database, and behind it one line that says
// so. The line holds facts sealed under the installation's secret, and a checksum
// of every byte before it: a backup that is cut short, damaged, of another
// installation or of a later version is known before anything of it is used.

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Host } from '@warder/core';
import { FileRefused } from './refusal.ts';
import type { EventMark, Progress } from './storage/embedded/copy.ts';

/** What a backup says of itself. */
export interface BackupFacts {
  readonly madeAt: number;
  /** The number of the last migration of its database. */
  readonly schema: number;
  readonly lastEvent: EventMark | null;
}

/** A backup as a file: its size, and the SHA-256 of its database in hexadecimal. */
export interface SealedBackup extends BackupFacts {
  readonly bytes: number;
  readonly sha256: string;
}

/** The version of this format. */
const FORMAT = 1;
const LINE = /\nwarder-backup (\d{1,9}) ([\w-]+) ([0-9a-f]{64})\n$/;
const LONGEST_LINE = 4096;
const CHUNK = 1024 * 1024;

/** Makes a backup of a copied database: adds the line, and has all of it on the disk. */
export async function sealBackup(
  file: string,
  facts: BackupFacts,
  host: Pick<Host, 'seal'>,
): Promise<SealedBackup> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const sum = await hashOf(handle, size, () => {});
    const sha256 = sum.copy().digest('hex');
    const sealed = host.seal('backup', '', JSON.stringify({ ...facts, sha256 }));
    const start = `\nwarder-backup ${FORMAT} ${sealed} `;
    const line = Buffer.from(`${start}${sum.update(start).digest('hex')}\n`);
    await handle.write(line, 0, line.length, size);
    await handle.sync();
    return { ...facts, bytes: size + line.length, sha256 };
  } finally {
    await handle.close();
  }
}

/**
 * Reads a backup as it stands in a file of its own and leaves its database alone in it.
 * @param name what to call it
 * @throws FileRefused unless it is whole, of this installation, and of a version this one knows
 */
export async function unsealBackup(
  file: string,
  name: string,
  host: Pick<Host, 'open'>,
  progress: Progress,
): Promise<SealedBackup> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, LONGEST_LINE));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const [line = '', format, sealed = '', checksum] = LINE.exec(tail.toString('latin1')) ?? [];
    const start = size - line.length;
    const sum = await hashOf(handle, start, progress);
    const sha256 = sum.copy().digest('hex');
    const whole = sum.update(line.slice(0, -65)).digest('hex') === checksum;
    if (!whole) {
      throw new FileRefused(
        `${name} is no whole backup: it is cut short or damaged, or was not made by \`warder backup\`.`,
      );
    }
    if (Number(format) !== FORMAT) {
      throw new FileRefused(
        `${name} was made by a later version of Warder: restore it with that version.`,
      );
    }
    const text = host.open('backup', '', sealed);
    if (text === null) {
      throw new FileRefused(
        `${name} is a backup of another installation: it was made under another secret than the one given here.`,
      );
    }
    const { sha256: expected, ...facts } = factsIn(text);
    if (expected !== sha256) {
      throw new FileRefused(`${name} is not the database that its seal was made for.`);
    }
    await handle.truncate(start);
    await handle.sync();
    return { ...facts, bytes: size, sha256 };
  } finally {
    await handle.close();
  }
}

/** Only this installation can have written it. */
function factsIn(text: string): BackupFacts & { readonly sha256: string } {
  return JSON.parse(text);
}

/** The checksum so far of the first bytes of a file. */
async function hashOf(handle: FileHandle, bytes: number, progress: Progress): Promise<Hash> {
  const sum = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, bytes - at), at);
    if (bytesRead === 0) throw new FileRefused('The file became shorter while it was read.');
    sum.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
    progress(at / bytes);
  }
  return sum;
}
