// What the commands of commands/ are made of: each is a function that adds itself
// to the program. Those that call the service get a client made of the settings.

import { createClient, type WarderClient } from '@warder/sdk';
import { type Command, Option } from 'commander';
import { type Flags, readSetting } from './config.ts';
import { usage } from './failure.ts';
import type { Output } from './output.ts';
import { type Audience, SETTING_NAMES, SETTINGS, type Setting } from './settings.ts';

/** Adds a command, or a group of them. */
export type AddCommand = (program: Command, output: Output) => void;

/** Options as the parser leaves them, by their names in camelCase. */
export type Options = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

export interface Call {
  readonly client: WarderClient;
  readonly options: Options;
  /** What was given besides options, in order. */
  readonly operands: readonly string[];
}

/** Makes a command of a call to the service. */
export function calls(
  command: Command,
  output: Output,
  run: (call: Call) => Promise<void>,
): Command {
  return settingOptions(command, 'client').action(async () => {
    process.once('SIGINT', () => process.exit(130));
    // Whoever reads along, as `head` does, may have read enough.
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
      process.exit(code === 'EPIPE' ? 0 : 1);
    });
    const options: Options = command.opts();
    if (command.args.some((operand) => /^\.{0,2}$/.test(operand))) {
      throw usage('An id cannot be empty, "." or "..".');
    }
    await run({ client: clientOf(settingFlags(options), output), options, operands: command.args });
  });
}

/** Adds the flags of the settings that are for such commands. */
export function settingOptions(command: Command, ...audiences: Audience[]): Command {
  for (const name of SETTING_NAMES) {
    const setting: Setting = SETTINGS[name];
    const { flag, audience } = setting;
    if (flag === undefined || !audiences.some((one) => audience.includes(one))) continue;
    command.addOption(new Option(flag, helpOf(setting)));
  }
  return command;
}

function helpOf(setting: Setting): string {
  const { meaning, variable, default: value, secret, file, flagHoldsValue } = setting;
  const fallback = value ?? (file && `the file ${file} in the data folder`);
  const otherwise = fallback === undefined ? '' : `; default: ${fallback}`;
  const said = secret && !flagHoldsValue ? `file that holds ${meaning}` : meaning;
  return `${said} (or ${variable}${secret ? `, ${variable}_FILE` : ''}${otherwise})`;
}

/** The settings' flags among the options. A flag of a secret names its file and is called so. */
export function settingFlags(options: Options): Flags {
  const given = SETTING_NAMES.flatMap((name) => {
    const { flag }: Setting = SETTINGS[name];
    const value = flag && options[new Option(flag).attributeName()];
    if (value === true) return [[name, 'true'] as const];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

function clientOf(flags: Flags, output: Output): WarderClient {
  const key = readSetting('key', flags);
  if (key === undefined) {
    const data = readSetting('data', flags);
    throw usage(
      `No key to call with: give one by --key-file FILE, WARDER_KEY or WARDER_KEY_FILE, or run this where ${data}/first-key is.`,
    );
  }
  output.hide(key);
  return createClient({ baseUrl: readSetting('url', flags), key });
}

/** Options of calls that change something. */
export const CHANGE = ['--if-match <etag>', 'only the version that has this ETag'] as const;
export const RETRY = [
  '--idempotency-key <text>',
  'makes a retry safe: the same request answers the same reply for 24 hours',
] as const;

export function changeOptions(options: Options) {
  const { ifMatch, idempotencyKey, confirm } = options;
  return {
    ...(typeof ifMatch === 'string' ? { ifMatch } : {}),
    ...(typeof idempotencyKey === 'string' ? { idempotencyKey } : {}),
    ...(confirm === true ? { confirm } : {}),
  };
}
