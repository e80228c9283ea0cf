// The products whose published key APIs are spoken here: a new one is a folder in
// dialects/ and a line in this list.

import type { Dialect, DialectKind } from './dialect.ts';
import { dreadnode } from './dialects/dreadnode/dialect.ts';
import { onepin } from './dialects/onepin/dialect.ts';
import { phaseo } from './dialects/phaseo/dialect.ts';

export const PRODUCTS: readonly DialectKind[] = [phaseo, dreadnode, onepin];

/** What an operator chose of a product, by the names of its options. */
export type Chosen = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The dialects of those names, with what was chosen of each and defaults for the rest. */
export function dialectsOf(names: readonly string[], chosen: Chosen = {}): Dialect[] {
  return PRODUCTS.filter(({ name }) => names.includes(name)).map((kind) => {
    const given = chosen[kind.name] ?? {};
    const options = Object.entries(kind.options).map(([name, option]) => [
      name,
      given[name] ?? option.default,
    ]);
    return kind.make(Object.fromEntries(options));
  });
}
