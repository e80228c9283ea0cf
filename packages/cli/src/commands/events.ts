// The commands about the audit log: those that ask the service, and, loaded only
// when they run, those that check the database itself.

import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import {
  type Event,
  type ListEventsQuery,
  WarderApiError,
  type WarderClient,
  WarderConnectionError,
} from '@warder/sdk';
import { type AddCommand, calls, settingFlags, settingOptions } from '../command.ts';
import { Failure, usage } from '../failure.ts';
import { type Field, fieldOptions, membersOf, PAGE, WORKSPACE } from '../fields.ts';
import { type Output, showPage, table } from '../output.ts';

const FILTERS: readonly Field[] = [
  { ...WORKSPACE, meaning: 'only of this workspace' },
  { flag: '--key <id>', member: 'key_id', meaning: 'about this key' },
  { flag: '--owner <id>', member: 'owner_id', meaning: 'about this owner or its keys' },
  { flag: '--actor <id>', member: 'actor_id', meaning: 'made by this actor' },
  { flag: '--type <types>', member: 'type', meaning: 'of these types, separated by commas' },
  {
    flag: '--created-after <time>',
    member: 'created_after',
    meaning: 'from this moment on, as 2027-12-31T23:59:59Z',
  },
  { flag: '--created-before <time>', member: 'created_before', meaning: 'before this moment' },
];
const HEADS = ['TIME', 'NUMBER', 'TYPE', 'SUBJECT', 'ACTOR', 'ADDRESS', 'WORKSPACE'];

export const addEvents: AddCommand = (program, output) => {
  const group = program.command('events').description('who did what: the audit log');

  const list = group.command('list').description('list events, the newest first');
  fieldOptions(list, [...FILTERS, ...PAGE]).option('--all', 'all pages, one after the other');
  calls(list, output, async ({ client, options }) => {
    const query = membersOf([...FILTERS, ...PAGE], options);
    const listing = client.events.list(query);
    if (!options.all) return showPage(output, await listing, HEADS, rowOf);
    const all: Event[] = [];
    for await (const event of listing) all.push(event);
    output.data(all, all.length === 0 ? 'None.' : table(HEADS, all.map(rowOf)));
  });

  const follow = group
    .command('follow')
    .description('show the last events, then new ones as they come');
  calls(fieldOptions(follow, FILTERS.slice(0, 5)), output, ({ client, options }) =>
    followEvents(client, membersOf(FILTERS.slice(0, 5), options), output),
  );

  const all = group.command('export').description('all events as lines of JSON, the oldest first');
  fieldOptions(all, FILTERS).option('--out <file>', 'write them to a new file');
  calls(all, output, ({ client, options }) => {
    const events = client.events.export(membersOf(FILTERS, options));
    return typeof options.out === 'string' ? toFile(events, options.out, output) : toOutput(events);
  });

  const verify = group
    .command('verify')
    .description('check in the database that no event was changed, removed, added or moved')
    .option('--head <file>', 'heads noted elsewhere: what `warder events head` printed');
  settingOptions(verify, 'local').action(async () => {
    const { verify: run } = await import('../local/events.ts');
    await run(settingFlags(verify.opts()), verify.opts().head, output);
  });

  const head = group
    .command('head')
    .description('the last event of each chain, a line to keep where nobody can change it');
  settingOptions(head, 'local').action(async () => {
    const { head: run } = await import('../local/events.ts');
    await run(settingFlags(head.opts()), output);
  });
};

function rowOf(event: Event) {
  const { created_at, number, type, subject, actor, origin, workspace_id } = event;
  return [
    created_at,
    number === null ? null : String(number),
    type,
    subject.id,
    actor.id,
    origin.address,
    workspace_id,
  ];
}

const FIRST_SHOWN = 10;
const POLL_MILLISECONDS = 1_000;
const LONGEST_PAUSE_MILLISECONDS = 30_000;
/** Events of other processes may come with an earlier time than the last that was seen. */
const OVERLAP_MILLISECONDS = 5_000;

/** Shows events as they come, until the process is interrupted. */
async function followEvents(
  client: WarderClient,
  query: ListEventsQuery,
  output: Output,
): Promise<void> {
  const seen = new Map<string, number>();
  const show = (events: readonly Event[]) => {
    const fresh = events.filter(({ id }) => !seen.has(id)).reverse();
    for (const event of fresh) {
      seen.set(event.id, Date.parse(event.created_at));
      output.line(
        event,
        rowOf(event)
          .map((cell) => cell ?? '-')
          .join('  '),
      );
    }
  };
  const first = await client.events.list({ ...query, limit: FIRST_SHOWN });
  show(first.data);
  let newest = Date.parse(first.data[0]?.created_at ?? new Date().toISOString());
  for (let pause = POLL_MILLISECONDS; ; ) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const since = newest - OVERLAP_MILLISECONDS;
    try {
      const found: Event[] = [];
      const created_after = new Date(since).toISOString();
      for await (const event of client.events.list({ ...query, created_after, limit: 200 })) {
        found.push(event);
      }
      show(found);
      newest = Math.max(newest, ...found.map(({ created_at }) => Date.parse(created_at)));
      for (const [id, at] of seen) if (at < newest - 2 * OVERLAP_MILLISECONDS) seen.delete(id);
      pause = POLL_MILLISECONDS;
    } catch (error) {
      if (!isPassing(error)) throw error;
      pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS);
      output.note(`No answer: asking again in ${Math.round(pause / 1000)} s.`);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof WarderConnectionError) return true;
  return error instanceof WarderApiError && (error.status >= 500 || error.status === 429);
}

async function toOutput(events: AsyncIterable<Event>): Promise<void> {
  for await (const event of events) {
    if (process.stdout.write(`${JSON.stringify(event)}\n`)) continue;
    await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

/** Writes a file that is there only once it is whole. */
async function toFile(events: AsyncIterable<Event>, file: string, output: Output): Promise<void> {
  if (existsSync(file)) throw usage(`--out: there is a file ${file} already.`);
  const draft = `${file}.part`;
  let count = 0;
  try {
    const handle = await open(draft, 'w', 0o600);
    try {
      let text = '';
      for await (const event of events) {
        text += `${JSON.stringify(event)}\n`;
        count++;
        if (text.length < 64 * 1024) continue;
        await handle.appendFile(text);
        text = '';
      }
      await handle.appendFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    const code =
      error instanceof Error && 'syscall' in error && 'code' in error ? error.code : null;
    if (code === null) throw error;
    throw new Failure('unwritable_file', `The file ${file} cannot be written (${code}).`);
  }
  output.data({ file, events: count }, `${count} events are in ${file}.`);
}
