// What a command shows. Data goes to standard output, as a table for people or as
// JSON; notes and errors go to standard error. Nothing shown holds a key, but for
// the one that a command was asked to make, and nothing can steer a terminal.

import type { Page } from '@warder/sdk';
import type { Failure } from './failure.ts';
import { withoutKeys } from './secret.ts';

export type Row = readonly (string | null)[];
export type Fact = readonly [name: string, value: string | null];

export class Output {
  readonly json: boolean;
  readonly #hidden = new Set<string>();

  constructor(json: boolean) {
    this.json = json;
  }

  /** From now on this text is never shown. */
  hide(secret: string): void {
    this.#hidden.add(secret);
  }

  /** The object as JSON, or what people read of it. */
  data(object: unknown, text: string): void {
    this.#show(this.json ? JSON.stringify(object, null, 2) : text);
  }

  /** One of many: an object as a line of JSON, or what people read of it. */
  line(object: unknown, text: string): void {
    this.#show(this.json ? JSON.stringify(object) : plain(text));
  }

  /** A part of data that is shown as it comes. */
  part(text: string): void {
    this.#show(text);
  }

  /** A new key: it alone on standard output, so that a pipe can take it, and the rest beside it. */
  newKey(key: string, object: object, text: string): void {
    process.stdout.write(`${this.json ? JSON.stringify(object, null, 2) : key}\n`);
    if (!this.json) this.#tell(text);
  }

  /** Something for people to know, apart from the data. */
  note(text: string): void {
    if (!this.json) this.#tell(text);
  }

  error(failure: Failure, more: object = {}): void {
    const { code, message } = failure;
    const text = this.json ? JSON.stringify({ error: { code, message, ...more } }) : `${message}`;
    this.#tell(text);
  }

  #show(text: string): void {
    process.stdout.write(`${this.#covered(text)}\n`);
  }

  #tell(text: string): void {
    process.stderr.write(`${withoutKeys(this.#covered(text))}
`);
  }

  #covered(text: string): string {
    return [...this.#hidden].reduce((rest, secret) => rest.replaceAll(secret, '<a key>'), text);
  }
}

/** Rows below their heads, in columns as wide as they need. */
export function table(heads: readonly string[], rows: readonly Row[]): string {
  const cells = [heads, ...rows.map((row) => row.map(cell))];
  return columns(cells, widthsOf(cells, []));
}

/** How wide each column is, and no narrower than it was. */
function widthsOf(cells: readonly (readonly string[])[], before: readonly number[]): number[] {
  const [first = []] = cells;
  return first.map((_, i) => Math.max(before[i] ?? 0, ...cells.map((row) => width(row[i] ?? ''))));
}

/** A table that is shown in parts: each part as wide as those before it need. */
export function growingTable(heads: readonly string[]): (rows: readonly Row[]) => string {
  let widths: readonly number[] = [];
  return (rows) => {
    const cells = rows.map((row) => row.map(cell));
    const first = widths.length === 0 ? [heads, ...cells] : cells;
    widths = widthsOf(first, widths);
    return columns(first, widths);
  };
}

function columns(cells: readonly (readonly string[])[], widths: readonly number[]): string {
  return cells
    .map((row) =>
      row
        .map((text, i) => pad(text, widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, a line each. */
export function facts(pairs: readonly Fact[]): string {
  const longest = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${pad(name, longest)}  ${cell(value)}`.trimEnd()).join('\n');
}

// Control characters, and those that reorder or hide text, shown as what they are.
const STEERING = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Text that came from elsewhere, made safe for a terminal. */
export function plain(text: string): string {
  return text.replace(
    STEERING,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}

function cell(text: string | null): string {
  return text === null || text === '' ? '-' : plain(text);
}

function width(text: string): number {
  return [...text].length;
}

function pad(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)));
}

/** A page of a list: its table, and how to go on. */
export function showPage<Item>(
  output: Output,
  page: Page<Item>,
  heads: readonly string[],
  rowOf: (item: Item) => Row,
): void {
  const rows = page.data.map(rowOf);
  output.data(
    page,
    rows.length > 0 ? table(heads, rows) : page.next === null ? 'None.' : 'None yet.',
  );
  if (page.total !== undefined) {
    output.note(`${page.total_is_exact === false ? 'At least ' : ''}${page.total} in all.`);
  }
  if (page.next !== null) output.note(`More follow: --after ${page.next}, or --all.`);
}
