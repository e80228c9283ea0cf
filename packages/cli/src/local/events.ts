// `warder events verify` and `warder events head`: the chains of events as they
// stand in the database, checked with the installation's secret, and where they
// end. Both only read, also beside a running service.

import { existsSync, readFileSync } from 'node:fs';
import { auditChainAsRead, type ChainReport, type Link, type SealedEvidence } from '@warder/core';
import {
  createHost,
  openSealedEvents,
  pendingOf,
  type SealedChains,
  withSealedEvents,
} from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { usage } from '../failure.ts';
import { type Output, plain } from '../output.ts';
import { fileIn } from './database.ts';
import { refused, startFailure } from './installation.ts';

/** Prints a line for each chain: its name, the number of its last event and that one's MAC. */
export async function head(flags: Flags, output: Output): Promise<void> {
  await reading(flags, async ({ chains }) => {
    const heads = chains.map(({ name, head }) => ({ chain: name, ...head }));
    const lines = heads.map(({ chain, number, mac }) => `${chain} ${number} ${mac}`);
    output.data(heads, lines.length === 0 ? 'None.' : lines.join('\n'));
  });
}

/** @param headFile lines of `warder events head` that were kept elsewhere */
export async function verify(
  flags: Flags,
  headFile: string | undefined,
  output: Output,
): Promise<void> {
  const noted = headFile === undefined ? new Map<string, Link[]>() : readHeads(headFile);
  const secret = readSetting('secret', flags);
  if (secret === undefined) {
    throw refused(
      `The installation secret is missing: without it nobody can tell which events are genuine. Put it back as ${readSetting('data', flags)}/secret, or give it by WARDER_SECRET_FILE or WARDER_SECRET.`,
    );
  }
  const host = createHost({ secret });
  await reading(flags, async (sealed) => {
    const known = sealed.checks.find(({ name }) => name === 'secret');
    if (known?.value !== host.checks.find(({ name }) => name === 'secret')?.value) {
      throw refused('The installation secret is not the one that this database was made with.');
    }
    const progress = progressOf(output);
    const { erasedOwners } = sealed;
    const reports: ChainReport[] = [];
    for (const chain of sealed.chains) {
      const events = progress.through(sealed.of(chain.name));
      const heads = noted.get(chain.name) ?? [];
      reports.push(await auditChainAsRead(chain, events, { host, erasedOwners, noted: heads }));
    }
    progress.end();
    const there = new Set(sealed.chains.map(({ name }) => name));
    const gone = [...noted.keys()].filter((name) => !there.has(name)).map(goneChain);
    show([...reports, ...gone], sealed, output);
  });
}

function show(reports: readonly ChainReport[], { unsealed }: SealedChains, output: Output): void {
  const faults = reports.filter(({ fault }) => fault !== null);
  const events = reports.reduce((sum, one) => sum + one.events, 0);
  const erased = reports.reduce((sum, one) => sum + one.erased, 0);
  const pruned = reports.reduce((sum, one) => sum + one.base, 0);
  const lines = [
    ...faults.map(
      ({ chain, fault }) => `Chain ${plain(chain)}, event ${fault?.number}: ${fault?.what}.`,
    ),
    `${count(events, 'event')} in ${count(reports.length, 'chain')} ${events === 1 ? 'holds' : 'hold'}${faults.length === 0 ? '' : `; ${count(faults.length, 'chain')} broken`}.`,
    ...(pruned > 0 ? [`${count(pruned, 'older event')} pruned before them.`] : []),
    ...(erased > 0 ? [`Personal data was erased from ${count(erased, 'event')}.`] : []),
    ...(unsealed > 0
      ? [`${count(unsealed, 'event')} not sealed yet: nothing is known of these.`]
      : []),
  ];
  output.data(
    { holds: faults.length === 0, events, unsealed, erased, chains: reports },
    lines.join('\n'),
  );
  if (faults.length > 0) process.exitCode = 1;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function goneChain(chain: string): ChainReport {
  const fault = { number: 1, what: 'the whole chain of a head noted elsewhere is gone' };
  return { chain, base: 0, head: 0, events: 0, erased: 0, fault };
}

async function reading(flags: Flags, run: (sealed: SealedChains) => Promise<void>): Promise<void> {
  const url = readSetting('database', flags);
  if (url !== undefined) {
    try {
      return await withSealedEvents({ url }, run);
    } catch (error) {
      throw startFailure(error);
    }
  }
  const file = fileIn(flags);
  if (!existsSync(file)) {
    throw refused(`There is no database ${file}: name the folder it is in by --data.`);
  }
  try {
    if (pendingOf(file).length > 0) {
      throw refused(`The database ${file} is of an earlier version: run \`warder migrate\` first.`);
    }
    const sealed = openSealedEvents(file);
    try {
      await run(sealed);
    } finally {
      sealed.close();
    }
  } catch (error) {
    throw startFailure(error, file);
  }
}

/** The heads in a file, by chain. What is no such line is refused: a typing error must not pass for a check. */
function readHeads(file: string): Map<string, Link[]> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw usage(`The file ${file} cannot be read${code}.`);
  }
  const heads = new Map<string, Link[]>();
  for (const line of text.split(/\r?\n/).filter((one) => one.trim() !== '')) {
    const [, name, number, mac] =
      /^(instance|[\da-f-]{36}) (\d{1,15}) ([\w-]{43})$/.exec(line) ?? [];
    if (name === undefined || mac === undefined) {
      throw usage(`--head: ${file} must hold lines as \`warder events head\` prints them.`);
    }
    heads.set(name, [...(heads.get(name) ?? []), { number: Number(number), mac }]);
  }
  if (heads.size === 0) throw usage(`--head: ${file} holds no head.`);
  return heads;
}

const PROGRESS_MILLISECONDS = 1_000;

/** Says on a terminal how far it is, each second. */
function progressOf(output: Output) {
  const shown = process.stderr.isTTY && !output.json;
  let next = performance.now() + PROGRESS_MILLISECONDS;
  let seen = 0;
  let written = false;
  return {
    async *through(events: Iterable<SealedEvidence> | AsyncIterable<SealedEvidence>) {
      for await (const event of events) {
        yield event;
        if (++seen % 1_000 !== 0 || !shown || performance.now() < next) continue;
        next += PROGRESS_MILLISECONDS;
        written = true;
        process.stderr.write(`\r${count(seen, 'event')} checked`);
      }
    },
    end() {
      if (written) process.stderr.write('\r\x1b[K');
    },
  };
}
