// Options that set the members of a request: one table for a noun, from which
// come the options of its commands, their help, and the bodies and queries sent.

import { type Command, Option } from 'commander';
import type { Options } from './command.ts';
import { usage } from './failure.ts';
import { limit, list, metadata, wholeNumber } from './parse.ts';

/** An option and the member of a request that it sets. */
export interface Field {
  readonly flag: string;
  readonly meaning: string;
  /** As the API names it; `a.b` for the member b of a. */
  readonly member: string;
  readonly choices?: readonly string[];
  /** What a list may be made of, as help and shells tell it; the service refuses anything else. */
  readonly among?: readonly string[];
  /** Whether `--clear` can name it. */
  readonly clearable?: boolean;
  /** What that clears, where it is more than this member. */
  readonly clears?: string;
  /** The value of a text; the text itself unless given. Of an option without a text, of ''. */
  readonly read?: (text: string) => unknown;
  /** Makes one value of what several times the option was given. */
  readonly join?: (values: readonly unknown[]) => unknown;
}

/** Adds an option for each field, and `--clear` where any can be cleared. */
export function fieldOptions(
  command: Command,
  fields: readonly Field[],
  clear: boolean = false,
): Command {
  for (const { flag, meaning, choices, among, join } of fields) {
    const option = new Option(flag, meaning);
    if (choices) option.choices([...choices]);
    if (among) option.argChoices = [...among];
    if (join) option.argParser((text: string, before: string[] = []) => [...before, text]);
    command.addOption(option);
  }
  const names = fields.filter(({ clearable }) => clearable).map(nameOf);
  if (clear) command.option('--clear <fields>', `set back to nothing: ${names.join(', ')}`);
  return command;
}

/** The members that the options set. @throws Failure that names the flag and the rule */
export function membersOf(fields: readonly Field[], options: Options): Record<string, unknown> {
  return collect(fields, options, []);
}

/** As `membersOf`, with null for what `--clear` names. @throws Failure also for no change at all */
export function changesOf(fields: readonly Field[], options: Options): Record<string, unknown> {
  const { clear } = options;
  const changes = collect(fields, options, typeof clear === 'string' ? list(clear) : []);
  if (Object.keys(changes).length > 0) return changes;
  throw usage('Nothing to change: see --help for what can be.');
}

function collect(
  fields: readonly Field[],
  options: Options,
  cleared: readonly string[],
): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  const setBy = new Map<string, string>();
  const set = (field: Field, value: unknown) => {
    const flag = `--${nameOf(field)}`;
    const other = setBy.get(field.member);
    if (other !== undefined) throw usage(`${flag} and ${other} cannot be given together.`);
    setBy.set(field.member, flag);
    const [outer = '', inner] = field.member.split('.');
    members[outer] =
      inner === undefined ? value : { ...Object(members[outer] ?? {}), [inner]: value };
  };
  for (const field of fields) {
    const given = options[new Option(field.flag).attributeName()];
    if (given === undefined) continue;
    if (typeof given === 'boolean') set(field, field.read ? field.read('') : given);
    else if (typeof given === 'string') set(field, readField(field, given));
    else set(field, field.join?.(given.map((text) => readField(field, text))));
  }
  for (const name of cleared) {
    const field = fields.find((one) => one.clearable && nameOf(one) === name);
    if (!field) throw usage(`--clear does not know "${name}": see --help for what it knows.`);
    set({ ...field, member: field.clears ?? field.member }, null);
  }
  return members;
}

function readField(field: Field, text: string): unknown {
  try {
    return field.read ? field.read(text) : text;
  } catch (error) {
    throw usage(`--${nameOf(field)} ${error instanceof Error ? error.message : 'cannot be read'}.`);
  }
}

/** `expires-at` of `--expires-at <time>`. */
function nameOf({ flag }: Field): string {
  return flag.split(' ')[0]?.replace(/^--(no-)?/, '') ?? '';
}

/** A list of words, separated by commas, or the option given several times. */
export function words(
  flag: string,
  member: string,
  meaning: string,
  more: Partial<Field> = {},
): Field {
  return { flag, member, meaning, read: list, join: (lists) => lists.flat(), ...more };
}

export const METADATA: Field = {
  flag: '--metadata <name=value>',
  member: 'metadata',
  meaning: 'metadata: name=value, several times, or a JSON object (null removes a member)',
  read: metadata,
  join: (objects) => Object.assign({}, ...objects),
};

/** Limits, the option given once for each. */
export function limits(flag: string, member: string, meaning: string): Field {
  const rule = `${meaning}, as minute=100/60s; several times for several`;
  return { flag, member, meaning: rule, read: limit, join: (all) => all, clearable: true };
}

export const COST: Field = {
  flag: '--cost <count>',
  member: 'cost',
  meaning: 'what is taken: 1 unless given',
  read: wholeNumber,
};

export const DRY_RUN: Field = {
  flag: '--dry-run',
  member: 'spend',
  meaning: 'take nothing: only say what would be',
  read: () => false,
};

export const WORKSPACE: Field = {
  flag: '--workspace <id>',
  member: 'workspace_id',
  meaning: 'the workspace, for a key of the instance (default: the workspace `default`)',
};

export const CREATED: readonly Field[] = [
  { flag: '--created-after <time>', member: 'created_after', meaning: 'made then or later' },
  { flag: '--created-before <time>', member: 'created_before', meaning: 'made before' },
];

/** Of lists of what has a name. */
export const NAMED: readonly Field[] = [
  ...CREATED,
  { flag: '--search <text>', member: 'search', meaning: 'with this in its name or id' },
  { flag: '--sort <order>', member: 'sort', meaning: 'created_at for the oldest first' },
];

export const PAGE: readonly Field[] = [
  { flag: '--limit <count>', member: 'limit', meaning: 'at most so many', read: wholeNumber },
  { flag: '--after <cursor>', member: 'after', meaning: 'the page after this cursor' },
  { flag: '--before <cursor>', member: 'before', meaning: 'the page before this cursor' },
  { flag: '--total', member: 'include', meaning: 'count all that match', read: () => 'total' },
];
