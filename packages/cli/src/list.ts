// The commands that list: one page, or all pages one after the other, shown as they
// come, so that a list of any length takes no more memory than a page.

import type { Page } from '@warder/sdk';
import type { Command } from 'commander';
import { type Call, calls } from './command.ts';
import { type Field, fieldOptions, membersOf, PAGE } from './fields.ts';
import { growingTable, type Output, type Row, showPage } from './output.ts';
import { progressLine } from './progress.ts';
import { drawn } from './watch.ts';

/** What the service gives at most in one page. */
const MOST = 200;

/** How a list is shown. */
export interface Shown<Item> {
  readonly heads: readonly string[];
  rowOf(item: Item): Row;
}

/** Makes a command of a list: `read` asks for one page of it. */
export function lists<Item>(
  command: Command,
  output: Output,
  filters: readonly Field[],
  shown: Shown<Item>,
  read: (call: Call, query: Readonly<Record<string, unknown>>) => Promise<Page<Item>>,
): Command {
  const fields = [...filters, ...PAGE];
  fieldOptions(command, fields).option('--all', 'all pages, one after the other');
  return calls(command, output, async (call) => {
    const query = membersOf(fields, call.options);
    if (call.options.all === true) return showAll(output, shown, query, (one) => read(call, one));
    await drawn(call.options.watch, output, async () => {
      showPage(output, await read(call, query), shown.heads, shown.rowOf);
    });
  });
}

async function showAll<Item>(
  output: Output,
  { heads, rowOf }: Shown<Item>,
  query: Readonly<Record<string, unknown>>,
  read: (query: Readonly<Record<string, unknown>>) => Promise<Page<Item>>,
): Promise<void> {
  // On a terminal the list itself shows how far it has come.
  const progress = process.stdout.isTTY ? null : progressLine(output, 'Listed');
  const more = growingTable(heads);
  let done = 0;
  let asked: Readonly<Record<string, unknown>> = { limit: MOST, ...query };
  for (let next: string | null = ''; next !== null; ) {
    const page = await read(asked);
    next = page.next;
    asked = { ...asked, before: undefined, after: next };
    if (page.data.length === 0) continue;
    if (output.json) output.part(`${done === 0 ? '[' : ','}${elements(page.data)}`);
    else output.part(more(page.data.map(rowOf)));
    done += page.data.length;
    progress?.count(done);
  }
  progress?.end();
  if (output.json) output.part(done === 0 ? '[]' : ']');
  else if (done === 0) output.part('None.');
}

/** The elements of a JSON array, without its brackets. */
function elements(items: readonly unknown[]): string {
  return JSON.stringify(items, null, 2).slice(1, -2);
}
