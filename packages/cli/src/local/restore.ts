// `warder restore`: a backup becomes the database, and brings back nothing that
// ended since. All is looked at in a draft before anything is touched; the draft
// then takes its place in one step.

import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { leaveEvent, type Restoration, reapply, type ToldEvent } from '@warder/core';
import {
  checkSecrets,
  createHost,
  examineDraft,
  instanceGrant,
  knownIn,
  makeFolder,
  openEmbedded,
  putInPlace,
  type ServerHost,
  takeFile,
  unsealBackup,
} from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { usage } from '../failure.ts';
import { endOnSignals } from '../interruption.ts';
import { type Output, plain, table } from '../output.ts';
import { progressLine } from '../progress.ts';
import { fileIn } from './database.ts';
import { refused, startFailure } from './installation.ts';
import { gapIn, type NumberedEvent, readEvents } from './told-events.ts';

export interface RestoreOptions {
  /** A file of events from after the backup. */
  readonly events: string | undefined;
  readonly acceptRevivals: boolean;
  readonly replace: boolean;
  /** Whether the backup is a plain copy of a database, without the line of `warder backup`. */
  readonly plain: boolean;
}

const DRAFT = '.restore-';

export async function restore(
  flags: Flags,
  name: string | null,
  options: RestoreOptions,
  output: Output,
): Promise<void> {
  if (name === null) throw usage('Say which backup: a file that `warder backup` made.');
  const data = readSetting('data', flags);
  const file = fileIn(flags);
  const host = hostOf(flags, data);
  const madeFolder = !existsSync(data);
  const progress = progressLine(output, 'Restoring');
  let folder: string | null = null;
  let release: (() => void) | null = null;
  const clean = () => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
    folder = null;
  };
  endOnSignals();
  process.on('exit', clean);
  try {
    if (existsSync(file)) {
      if (!options.replace) throw refused(taken(data));
      release = takeFile(file);
    }
    const told = options.events === undefined ? null : await readEvents(options.events);
    makeFolder(data);
    folder = mkdtempSync(join(data, DRAFT));
    const draft = join(folder, 'warder.db');
    await pipeline(createReadStream(name), createWriteStream(draft, { flags: 'wx', mode: 0o600 }));
    if (options.plain && existsSync(`${name}-wal`)) {
      throw refused(
        `Beside ${name} is its log, ${name}-wal: only a copy that was finished can be restored, as \`warder backup\` and Litestream make it.`,
      );
    }
    const sealed = options.plain
      ? null
      : await unsealBackup(draft, name, host, (share) => progress.tell(0.5 * share));
    const { checks, lastEvent } = examineDraft(draft, name);
    checkInstallation(checks, name, host);
    const backup = { madeAt: sealed?.madeAt ?? lastEvent?.createdAt ?? 0, lastEvent };
    const known = knownIn(draft, new Set(told?.map(({ id }) => id)));
    const gap =
      told === null ? null : gapIn(options.events ?? '', told, { ...known, last: lastEvent });
    if ((told === null || gap !== null) && !options.acceptRevivals) {
      throw refused(revivals(backup, gap));
    }
    progress.tell(0.7);

    const later = (told ?? []).filter(({ id }) => !known.ids.has(id));
    const { storage } = openEmbedded({ file: draft, pending: 'run without a copy' });
    let done: Restoration;
    try {
      const grant = instanceGrant();
      done = await reapply(storage, grant, host, later, (id) => known.owners.get(id) ?? null);
      await leaveEvent(storage, grant, host, 'restore', 'installation.restored', {
        backup_made_at: new Date(backup.madeAt).toISOString(),
        backup_sha256: sealed?.sha256 ?? null,
        last_event: lastEvent?.id ?? null,
        revivals_accepted: told === null || gap !== null,
        reapplied: counts(done.reapplied),
        lost: counts(done.lost),
      });
    } finally {
      await storage.close();
    }
    examineDraft(draft, name);
    release ??= takeFile(file);
    if (existsSync(file) && !options.replace) throw refused(taken(data));
    const stamp = new Date(host.now()).toISOString().replace(/\.\d+|[-:]/g, '');
    const keep = existsSync(file) ? `${file}.before-restore-${stamp}` : null;
    putInPlace(draft, file, keep ?? '');
    clean();
    sweep(data);
    progress.end();
    report(output, { data, name, keep, backup, told, gap, done });
  } catch (error) {
    throw startFailure(error, name);
  } finally {
    progress.end();
    clean();
    process.off('exit', clean);
    release?.();
    if (madeFolder) removeIfEmpty(data);
  }
}

function hostOf(flags: Flags, data: string): ServerHost {
  const secret = readSetting('secret', flags);
  if (secret === undefined) {
    throw refused(
      `The installation secret is missing: put the one that the backup was made under in ${join(data, 'secret')}, or give it by WARDER_SECRET_FILE or WARDER_SECRET.`,
    );
  }
  return createHost({ secret, peppers: readSetting('pepper', flags) ?? [] });
}

/** A plain copy has no seal that would say so. */
function checkInstallation(
  checks: Parameters<typeof checkSecrets>[0],
  name: string,
  host: ServerHost,
): void {
  const own = host.checks.find((check) => check.name === 'secret');
  const theirs = checks.find((check) => check.name === 'secret');
  if (theirs?.value !== own?.value) {
    throw refused(
      `${name} is a backup of another installation: it was made under another secret than the one given here.`,
    );
  }
  checkSecrets(checks, host);
}

interface About {
  readonly madeAt: number;
  readonly lastEvent: {
    readonly id: string;
    readonly type: string;
    readonly createdAt: number;
  } | null;
}

function taken(data: string): string {
  return `${data} has a database already: name another folder by --data, or say --replace, which keeps the old one beside it.`;
}

export function window({ madeAt, lastEvent }: About): string {
  const last =
    lastEvent === null
      ? ''
      : ` (its last event is ${lastEvent.type} ${lastEvent.id} of ${new Date(lastEvent.createdAt).toISOString()})`;
  return `every revoke, disable, delete, erasure and suspension between the backup of ${new Date(madeAt).toISOString()}${last} and now`;
}

export function revivals(about: About, gap: string | null): string {
  const why =
    gap === null ? 'Without the events since then, this would undo' : `${gap}: this could undo`;
  return `${why} ${window(about)}. Give an export or the log of events from before the backup on by --events FILE, or accept it by --accept-revivals.`;
}

export function counts(events: readonly ToldEvent[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { type } of events) found[type] = (found[type] ?? 0) + 1;
  return found;
}

/** What a restore left that was killed. */
function sweep(data: string): void {
  for (const left of readdirSync(data).filter((one) => one.startsWith(DRAFT))) {
    rmSync(join(data, left), { recursive: true, force: true });
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {}
}

/** What was done, for `--json` and as rows of a table. */
export function shownOf({ reapplied, lost }: Restoration) {
  const shown = (event: ToldEvent) => ({
    event_id: event.id,
    type: event.type,
    subject: event.subject,
    created_at: new Date(event.createdAt).toISOString(),
  });
  const rowsOf = (what: string, events: readonly ToldEvent[]) =>
    events.map(({ type, subject, createdAt }) => [
      what,
      type,
      subject.id,
      new Date(createdAt).toISOString(),
    ]);
  return {
    reapplied: reapplied.map(shown),
    lost: lost.map(shown),
    rows: [...rowsOf('ended again', reapplied), ...rowsOf('lost', lost)],
  };
}

interface Outcome {
  readonly data: string;
  readonly name: string;
  readonly keep: string | null;
  readonly backup: About;
  readonly told: readonly NumberedEvent[] | null;
  readonly gap: string | null;
  readonly done: Restoration;
}

function report(output: Output, { data, name, keep, backup, told, gap, done }: Outcome): void {
  const { rows, reapplied, lost } = shownOf(done);
  const open = told === null || gap !== null;
  output.data(
    {
      data,
      kept: keep,
      backup: {
        made_at: new Date(backup.madeAt).toISOString(),
        last_event: backup.lastEvent?.id ?? null,
      },
      revivals: open ? window(backup) : null,
      reapplied,
      lost,
    },
    [
      `${plain(name)} is restored to ${plain(data)}.`,
      ...(rows.length === 0 ? [] : ['', table(['', 'EVENT', 'OBJECT', 'AT'], rows)]),
    ].join('\n'),
  );
  if (open)
    output.note(`\nWARNING: ${window(backup)} is undone: what was ended then is good again.`);
  if (keep !== null) output.note(`The database that was there is kept in ${plain(keep)}.`);
  output.note(
    'Keys made since the backup are unknown from now on. Make a new backup once the service runs.',
  );
}
