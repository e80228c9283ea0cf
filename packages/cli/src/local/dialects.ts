// What an operator chose of the dialects, held against those there are. The settings
// only know how such a choice is written.

import { type Chosen, type Dialect, type DialectKind, dialectsOf, PRODUCTS } from '@warder/server';
import { type Flags, findSetting, readSetting } from '../config.ts';
import { Failure, usage } from '../failure.ts';
import type { NamedAddress } from '../parse.ts';
import type { SettingName } from '../settings.ts';
import type { SharedCredentialRow } from '../shared-credentials.ts';

type Kinds = readonly DialectKind[];

/** The dialects that are served, as they were chosen. @throws Failure for what there is not */
export function dialectsIn(flags: Flags, kinds: Kinds = PRODUCTS): Dialect[] {
  return dialectsOf(servedIn(flags, kinds), chosenIn(flags, kinds), kinds);
}

/** Where some of them have a listener of their own. @throws Failure for one that is not served */
export function dialectListenersIn(flags: Flags, kinds: Kinds = PRODUCTS): NamedAddress[] {
  const served = servedIn(flags, kinds);
  const listeners = readSetting('dialectListen', flags) ?? [];
  for (const { name } of listeners) {
    if (served.includes(name)) continue;
    const rule = `names ${name}, which is not served: served are ${listed(served)}`;
    throw broken('dialectListen', flags, rule);
  }
  return listeners;
}

/** @throws Failure that names the row and the rule, never the credential */
export function sharedCredentialsIn(flags: Flags, kinds: Kinds = PRODUCTS): SharedCredentialRow[] {
  const rows = readSetting('sharedCredentials', flags) ?? [];
  for (const [i, row] of rows.entries()) {
    const rule = brokenRule(row, kinds);
    if (rule === null) continue;
    const where = findSetting('sharedCredentials', flags)?.where;
    throw new Failure('bad_secret', `${where} row ${i + 1}: ${rule}.`);
  }
  return rows;
}

/** An option of a dialect with the value it has. */
export interface OptionInUse {
  /** `onepin.token_prefix`. */
  readonly name: string;
  readonly meaning: string;
  readonly value: string;
  /** Whether an operator chose it. */
  readonly chosen: boolean;
}

/** Every option there is. @throws Failure for one there is not, and for a value it may not have */
export function dialectOptionsIn(flags: Flags, kinds: Kinds = PRODUCTS): OptionInUse[] {
  const chosen = chosenIn(flags, kinds);
  return kinds.flatMap((kind) =>
    Object.entries(kind.options).map(([option, { default: otherwise, meaning }]) => {
      const given = chosen[kind.name]?.[option];
      const name = `${kind.name}.${option}`;
      return { name, meaning, value: given ?? otherwise, chosen: given !== undefined };
    }),
  );
}

function servedIn(flags: Flags, kinds: Kinds): string[] {
  const named = readSetting('dialects', flags) ?? kinds.map(({ name }) => name);
  for (const name of named) kindNamed(name, 'dialects', flags, kinds);
  return named;
}

function chosenIn(flags: Flags, kinds: Kinds): Chosen {
  const given = readSetting('dialectOptions', flags) ?? [];
  for (const { dialect, option, value } of given) {
    const { options } = kindNamed(dialect, 'dialectOptions', flags, kinds);
    const names = Object.keys(options);
    const known = names.includes(option) ? options[option] : undefined;
    if (known === undefined) {
      const rule = `names ${dialect}.${option}: the options of ${dialect} are ${listed(names)}`;
      throw broken('dialectOptions', flags, rule);
    }
    if (known.pattern.exec(value)?.[0] !== value) {
      const rule = `must give ${dialect}.${option} a value that matches ${known.pattern.source}: ${known.meaning}`;
      throw broken('dialectOptions', flags, rule);
    }
  }
  const ofKind = (name: string) => given.filter(({ dialect }) => dialect === name);
  return Object.fromEntries(
    kinds.map(({ name }) => [
      name,
      Object.fromEntries(ofKind(name).map(({ option, value }) => [option, value])),
    ]),
  );
}

function brokenRule({ surface, secret, workspaces }: SharedCredentialRow, kinds: Kinds) {
  const takers = kinds.filter(({ sharedCredential }) => sharedCredential !== undefined);
  const rule = takers.find(({ name }) => name === surface)?.sharedCredential;
  if (rule === undefined) {
    return `its surface must be one that takes such credentials, which are ${listed(takers.map(({ name }) => name))}`;
  }
  if (secret.length < rule.leastLength) {
    return `its secret must have ${rule.leastLength} characters at least, for ${surface}`;
  }
  if (rule.workspaces === 'one' && workspaces.length > 1) {
    return `its workspaces must be exactly one, for ${surface}`;
  }
  return null;
}

function kindNamed(name: string, setting: SettingName, flags: Flags, kinds: Kinds): DialectKind {
  const kind = kinds.find((one) => one.name === name);
  if (kind !== undefined) return kind;
  const there = kinds.map((one) => one.name);
  throw broken(setting, flags, `names ${name}, which is no dialect: there are ${listed(there)}`);
}

function listed(names: readonly string[]): string {
  return names.join(', ') || 'none';
}

/** Quotes names, which are no secrets, and nothing else that was given. */
function broken(setting: SettingName, flags: Flags, rule: string): Failure {
  return usage(`${findSetting(setting, flags)?.where} ${rule}.`);
}
