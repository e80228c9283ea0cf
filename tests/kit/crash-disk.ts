// A real file system of a few megabytes that a test can fill and empty: a tmpfs,
// which takes root to mount.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Disk {
  readonly folder: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Takes away what filled it. */
  free(): void;
  /** From now on nothing can be written; takes that no file is open. */
  makeReadOnly(): void;
  unmount(): void;
}

/** @throws with what is missing where it cannot be mounted */
export function mountDisk(megabytes: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'warder-disk-'));
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw new Error(`a full disk needs a tmpfs, which takes root and mount: ${error}`);
  }
  const filler = join(folder, 'filler');
  return {
    folder,
    fill() {
      const file = openSync(filler, 'a');
      // Down to single bytes: the last page is filled too.
      for (const size of [65_536, 4_096, 1]) {
        const bytes = Buffer.alloc(size);
        try {
          while (writeSync(file, bytes) > 0);
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        }
      }
      closeSync(file);
    },
    free: () => rmSync(filler, { force: true }),
    makeReadOnly: () => void run('mount', '-o', 'remount,ro', folder),
    unmount() {
      run('umount', '-l', folder);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Whether this machine lets it be done. In CI it must: there it is tried and fails aloud. */
export function canMount(): boolean {
  if (process.env.CI) return true;
  if (process.platform !== 'linux') return false;
  try {
    mountDisk(1).unmount();
    return true;
  } catch {
    return false;
  }
}
