// What the settings are set to; the environment is read here alone. A flag counts
// before a variable, a variable before a file, a file before the default.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, usage } from './failure.ts';
import { SETTINGS, type Setting, type SettingName } from './settings.ts';

type ValueOf<Name extends SettingName> =
  | ReturnType<(typeof SETTINGS)[Name]['parse']>
  | ((typeof SETTINGS)[Name] extends { readonly default: string } ? never : undefined);

/** Flags as the parser gives them, by the setting they belong to. */
export type Flags = Readonly<Partial<Record<SettingName, string>>>;

/** A text that a setting was given, and by what. */
export interface Given {
  readonly text: string;
  readonly source: 'flag' | 'variable' | 'file' | 'default';
  /** `--listen`, `WARDER_LISTEN`, or the path of a file; empty for a default. */
  readonly where: string;
}

/** The value of a setting; undefined where it has none. @throws Failure that names the place and the rule */
export function readSetting<Name extends SettingName>(name: Name, flags: Flags): ValueOf<Name> {
  const given = findSetting(name, flags);
  const value = given === null ? undefined : parseSetting(name, given);
  // The parser of that very row made it, which a lookup by name cannot say.
  return value as ValueOf<Name>;
}

export function parseSetting(name: SettingName, { text, where }: Given): unknown {
  const { parse, secret: isSecret }: Setting = SETTINGS[name];
  try {
    return parse(text);
  } catch (error) {
    const message = `${where} ${error instanceof Error ? error.message : 'cannot be read'}.`;
    throw isSecret ? new Failure('bad_secret', message) : usage(message);
  }
}

/** What a setting was given, unparsed; null for nothing. */
export function findSetting(name: SettingName, flags: Flags): Given | null {
  const setting: Setting = SETTINGS[name];
  const { variable } = setting;
  const flag = setting.flag?.split(' ')[0] ?? '';
  const flagged = flags[name];
  if (flagged !== undefined) {
    const namesFile = setting.secret && !setting.flagHoldsValue;
    return namesFile ? fileOf(flagged, flag) : { text: flagged, source: 'flag', where: flag };
  }
  const text = environment(variable);
  const file = setting.secret ? environment(`${variable}_FILE`) : undefined;
  if (text !== undefined && file !== undefined) {
    throw usage(`${variable} and ${variable}_FILE are both set: keep one of them.`);
  }
  if (text !== undefined) return { text, source: 'variable', where: variable };
  if (file !== undefined) return fileOf(file, `${variable}_FILE`);
  const kept = setting.file && join(readSetting('data', flags), setting.file);
  if (kept && existsSync(kept)) return fileOf(kept, null);
  const { default: otherwise } = setting;
  return otherwise === undefined ? null : { text: otherwise, source: 'default', where: '' };
}

/** An empty variable counts as none. */
function environment(variable: string): string | undefined {
  return process.env[variable] || undefined;
}

function fileOf(file: string, namedBy: string | null): Given {
  try {
    return { text: readFileSync(file, 'utf8'), source: 'file', where: file };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    const by = namedBy === null ? '' : `, which ${namedBy} names,`;
    throw new Failure('unreadable_file', `The file ${file}${by} cannot be read${code}.`);
  }
}
