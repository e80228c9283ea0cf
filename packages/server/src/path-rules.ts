// Which scopes a request needs, by its method and path: the first rule that fits
// says so, and where none does nobody may pass. A path that fits a rule only for a
// careless reader, as in another case, is refused: the service behind may be one.

import type { ScopeQuery } from '@warder/core';
import { type CanonicalPath, looselyRead } from './canonical-path.ts';

export interface PathRule {
  /** Null for every method. */
  readonly methods: readonly string[] | null;
  /** Null stands for any one segment. */
  readonly segments: readonly (string | null)[];
  /** Whether any further segments may follow. */
  readonly open: boolean;
  /** A key needs all of them. */
  readonly scopes: readonly string[];
  readonly query: ScopeQuery | undefined;
}

export type Found<Rule> = Rule | 'path_not_named' | 'path_ambiguous';

/** Compiles rules to a search through them, in their order. */
export function ruleFinder<Rule extends PathRule>(
  rules: readonly Rule[],
): (method: string, path: CanonicalPath) => Found<Rule> {
  const compiled = rules.map((rule) => ({
    rule,
    loose: rule.segments.map((segment) => (segment === null ? null : looselyRead(segment))),
  }));
  return (method, { segments, loose }) => {
    for (const one of compiled) {
      const { rule } = one;
      if (rule.methods !== null && !rule.methods.includes(method)) continue;
      if (!fits(one.loose, rule.open, loose)) continue;
      return fits(rule.segments, rule.open, segments) ? rule : 'path_ambiguous';
    }
    return 'path_not_named';
  };
}

/** Whether some request that `later` is for never comes to it, since `earlier` fits all there are of its path. */
export function shadows(earlier: PathRule, later: PathRule): boolean {
  const common =
    earlier.methods === null ||
    later.methods === null ||
    later.methods.some((method) => earlier.methods?.includes(method));
  if (!common || (later.open && !earlier.open)) return false;
  const own = earlier.segments.map((segment) => segment && looselyRead(segment));
  // No segment of a rule is written `*`: only "any" stands for "any".
  const theirs = later.segments.map((segment) => (segment === null ? '*' : looselyRead(segment)));
  return fits(own, earlier.open, theirs);
}

function fits(
  own: readonly (string | null)[],
  open: boolean,
  segments: readonly string[],
): boolean {
  if (open ? segments.length < own.length : segments.length !== own.length) return false;
  for (let i = 0; i < own.length; i++) {
    if (own[i] !== null && own[i] !== segments[i]) return false;
  }
  return true;
}
