// The products whose published key APIs are spoken here: a new one is a folder in
// dialects/ and a line in this list.

import type { Dialect, DialectKind } from './dialect.ts';
import { cobo } from './dialects/cobo/dialect.ts';
import { dreadnode } from './dialects/dreadnode/dialect.ts';
import { onepin } from './dialects/onepin/dialect.ts';
import { phaseo } from './dialects/phaseo/dialect.ts';
import { phaseoManagement } from './dialects/phaseo-management/dialect.ts';

export const PRODUCTS: readonly DialectKind[] = [phaseo, phaseoManagement, cobo, dreadnode, onepin];

/** The formats whose keys may manage keys on a surface of these, where their workspace lets them. */
export function managingFormats(dialects: readonly Dialect[]): string[] {
  const admissions = dialects.flatMap(({ admits, routes }) => [
    admits,
    ...routes.flatMap((route) =>
      'answer' in route || route.admits === null ? [] : [route.admits],
    ),
  ]);
  const formats = admissions.flatMap(({ ordinaryKeys }) =>
    ordinaryKeys === null || ordinaryKeys.may === 'ask' ? [] : [ordinaryKeys.format],
  );
  return [...new Set(formats)];
}

/** What an operator chose of a product, by the names of its options. */
export type Chosen = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The dialects of those names, with what was chosen of each and defaults for the rest. */
export function dialectsOf(
  names: readonly string[],
  chosen: Chosen = {},
  kinds: readonly DialectKind[] = PRODUCTS,
): Dialect[] {
  return kinds
    .filter(({ name }) => names.includes(name))
    .map((kind) => {
      const given = chosen[kind.name] ?? {};
      const options = Object.entries(kind.options).map(([name, option]) => [
        name,
        given[name] ?? option.default,
      ]);
      return kind.make(Object.fromEntries(options));
    });
}
