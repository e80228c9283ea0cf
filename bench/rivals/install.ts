// Installs what the rivals are made of into their own folder, by their own lockfile:
// whoever does not run this bench never downloads any of it.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

export function installRivals(): void {
  const lockfile = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const note = join(folder, 'node_modules', '.installed-lockfile');
  if (existsSync(note) && readFileSync(note, 'utf8') === lockfile) return;
  console.log('installing the rivals, once');
  const options = { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' } as const;
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], options);
  if (status !== 0) throw new Error('npm ci of the rivals failed');
  writeFileSync(note, lockfile);
}
