// `warder backup`: a whole copy of the database, made beside a running service and
// verified before it gets its name. It holds neither secret nor pepper.

import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, renameSync, statSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { leaveEvent } from '@warder/core';
import { copyHot, discard, instanceGrant, sealBackup, syncFolder } from '@warder/server';
import type { Flags } from '../config.ts';
import { endOnSignals } from '../interruption.ts';
import { type Output, plain } from '../output.ts';
import { progressLine } from '../progress.ts';
import { fileIn } from './database.ts';
import { openExisting, startFailure } from './installation.ts';

const ALONE =
  'It holds neither the secret nor a pepper: keep DATA/secret apart from it, since a backup is of no use without the secret, and with it is all there is.';

/** @param out a file, or `-` for standard output; undefined for one in the working folder */
export async function backup(flags: Flags, out: string | undefined, output: Output): Promise<void> {
  const file = fileIn(flags);
  const { storage, host } = await openExisting(flags, 'refuse');
  // A service beside it comes first.
  setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));
  const progress = progressLine(output, 'Backing up');
  const madeAt = host.now();
  const name = out ?? `warder-${new Date(madeAt).toISOString().replace(/\.\d+|[-:]/g, '')}.backup`;
  const piped = name === '-';
  const draft = `${piped ? file : name}.${randomBytes(6).toString('hex')}.new`;
  const clean = () => discard(draft);
  endOnSignals();
  process.on('exit', clean);
  try {
    if (!piped && existsSync(name) && !statSync(name).isFile()) {
      throw Object.assign(new Error('not a file'), { code: 'EISDIR', path: name });
    }
    const { schema, lastEvent, rows } = await copyHot(file, draft, (share) =>
      progress.tell(0.9 * share),
    );
    const made = await sealBackup(draft, { madeAt, schema, lastEvent }, host);
    const facts = {
      to: piped ? 'standard output' : basename(name),
      bytes: made.bytes,
      sha256: made.sha256,
      last_event: lastEvent?.id ?? null,
    };
    // Told before it can be taken away: a read of everything is an event.
    await leaveEvent(storage, instanceGrant(), host, 'backup', 'installation.backed_up', facts);
    progress.end();
    if (piped) await pipeline(createReadStream(draft), process.stdout, { end: false });
    else {
      renameSync(draft, name);
      syncFolder(name);
    }
    const keys = rows.keys ?? 0;
    const size = `${(made.bytes / 1024 / 1024).toFixed(1)} MiB, ${keys} keys`;
    const where = piped ? 'Written to standard output' : `Written to ${plain(name)}`;
    const about = {
      file: piped ? null : name,
      made_at: new Date(madeAt).toISOString(),
      bytes: made.bytes,
      sha256: made.sha256,
      schema,
      keys,
      last_event: lastEvent?.id ?? null,
    };
    if (piped) output.note(`${where} (${size}), verified. ${ALONE}`);
    else output.data(about, `${where} (${size}), verified.\n${ALONE}`);
  } catch (error) {
    throw startFailure(error, file);
  } finally {
    progress.end();
    clean();
    process.off('exit', clean);
    await storage.close();
  }
}
