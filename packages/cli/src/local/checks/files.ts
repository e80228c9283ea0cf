// Checks of the data folder: who may read it, what it lies on, how much room is
// left, and what was left behind in it.

import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, fail, ok, type Patient, warn } from '../check.ts';

const MIB = 1024 * 1024;
const LEAST_FREE = 64 * MIB;
/** SQLite cuts its log back to 64 MiB whenever nobody reads old pages. */
const LONG_LOG = 256 * MIB;

/** By the number that statfs(2) gives: those that lock or share memory badly, or not at all. */
const FILE_SYSTEMS: Readonly<Record<number, readonly ['warn' | 'fail', string]>> = {
  26985: ['fail', 'NFS'],
  20859: ['fail', 'SMB'],
  4266872130: ['fail', 'SMB'],
  4283649346: ['fail', 'CIFS'],
  1397113167: ['fail', 'AFS'],
  12805120: ['fail', 'Ceph'],
  198183888: ['fail', 'Lustre'],
  1702057286: ['warn', 'FUSE'],
  16914839: ['warn', '9p'],
};

export function fileChecks({ data, file }: Patient): Check[] {
  return [
    {
      name: 'file modes',
      look() {
        // Windows has no such modes.
        if (process.platform === 'win32') return ok('Not looked at on this system.');
        const loose = filesIn(data).filter((name) => isLoose(join(data, name)));
        if (loose.length > 0) {
          const paths = loose.map((name) => join(data, name)).join(' ');
          return fail(`Others than their owner may use ${paths}.`, `Run \`chmod 600 ${paths}\`.`);
        }
        if (isLoose(data)) {
          return warn(`Others than its owner may look into ${data}.`, `Run \`chmod 700 ${data}\`.`);
        }
        return ok('Only their owner may read the folder and its files.');
      },
    },
    {
      name: 'file system',
      look() {
        const [level, name] = FILE_SYSTEMS[statfsSync(data).type >>> 0] ?? [null, ''];
        if (level === null) return ok('The folder is on a local file system.');
        const advice =
          'Move the data folder to a local disk (docs/moving.md): SQLite needs locks and shared memory that work.';
        const found = `The folder is on ${name}.`;
        return level === 'fail' ? fail(found, advice) : warn(found, advice);
      },
    },
    {
      name: 'free space',
      look() {
        const { bavail, bsize } = statfsSync(data);
        const free = bavail * bsize;
        const size = sizeOf(file) + sizeOf(`${file}-wal`);
        const found = `${mebibytes(free)} are free, and the database has ${mebibytes(size)}.`;
        if (free < LEAST_FREE) {
          return fail(found, 'Make room: once the disk is full, no key can be made or revoked.');
        }
        if (free < size + LEAST_FREE) {
          return warn(found, 'Make room: a migration, a backup or a restore needs as much again.');
        }
        return ok(found);
      },
    },
    {
      name: 'write-ahead log',
      look() {
        const size = sizeOf(`${file}-wal`);
        if (size < LONG_LOG) return ok(`The log has ${mebibytes(size)}.`);
        return warn(
          `The log has ${mebibytes(size)}: something keeps on reading an old state.`,
          'Look for a backup that hangs, or for Litestream without a connection, and restart it.',
        );
      },
    },
    {
      name: 'leftovers',
      look() {
        const left = filesIn(data).filter((name) => /^\.restore-|\.new$/.test(name));
        if (left.length === 0) return ok('Nothing was left behind.');
        const paths = left.map((name) => join(data, name)).join(' ');
        return warn(
          `A command that was killed left ${paths}.`,
          `Run \`rm -r ${paths}\` while no backup and no restore is under way.`,
        );
      },
    },
  ];
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** Whether others than its owner may use it. */
export function isLoose(path: string): boolean {
  const { mode } = statSync(path);
  return (mode & 0o077) !== 0;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toLocaleString('en', { maximumFractionDigits: 1 })} MiB`;
}
