// Every setting, its value and where that came from: for whoever wonders why the
// program does what it does. Secrets are masked.

import { type AddCommand, settingFlags, settingOptions } from '../command.ts';
import { type Flags, findSetting, parseSetting } from '../config.ts';
import { Failure } from '../failure.ts';
import type { OptionInUse } from '../local/dialects.ts';
import { table } from '../output.ts';
import { withoutKeys } from '../secret.ts';
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../settings.ts';

const MASK = '********';

export const addConfig: AddCommand = (program, output) => {
  const command = program
    .command('config')
    .description('every setting, its value and where it came from; secrets are masked');
  settingOptions(command, 'serve', 'local', 'doctor', 'client').action(async () => {
    // What dialects there are is known to the service alone, which takes its time to load.
    const dialects = await import('../local/dialects.ts');
    const { gatewayIn } = await import('../local/gateway.ts');
    const { redisIn } = await import('../local/limits.ts');
    const checks: Checks = {
      dialects: dialects.dialectsIn,
      dialectListen: dialects.dialectListenersIn,
      dialectOptions: dialects.dialectOptionsIn,
      sharedCredentials: dialects.sharedCredentialsIn,
      gateway: gatewayIn,
      gatewayListen: gatewayIn,
      redis: redisIn,
    };
    const flags = settingFlags(command.opts());
    const rows = SETTING_NAMES.map((name) => rowOf(name, flags, checks));
    const sound = rows.every(({ error }) => error === null);
    const options = sound ? dialects.dialectOptionsIn(flags) : [];
    const shown = [
      table(['SETTING', 'VARIABLE', 'VALUE', 'FROM'], rows.map(cellsOf)),
      ...(options.length > 0
        ? ['', table(['DIALECT OPTION', 'VALUE', 'MEANING'], options.map(optionCells))]
        : []),
    ];
    output.data([...rows, ...options.map(optionRow)], shown.join('\n'));
    if (!sound) process.exitCode = 1;
  });
};

/** What has to hold of a setting besides how it is written. */
type Checks = Partial<Readonly<Record<SettingName, (flags: Flags) => unknown>>>;

function cellsOf({ setting, variable, value, source, where, error }: ReturnType<typeof rowOf>) {
  return [setting, variable, error ?? value, [source, where].filter(Boolean).join(' ')];
}

function optionCells({ name, value, meaning }: OptionInUse) {
  return [name, value, meaning];
}

/** An option in the form of a setting: the variable is the one that sets them all. */
function optionRow({ name, value, meaning, chosen }: OptionInUse) {
  const { variable } = SETTINGS.dialectOptions;
  const source = chosen ? 'dialect-options' : 'default';
  return {
    setting: name,
    variable,
    secret: false,
    meaning,
    value,
    source,
    where: null,
    error: null,
  };
}

function rowOf(name: SettingName, flags: Flags, checks: Checks) {
  const setting: Setting = SETTINGS[name];
  const row = {
    setting: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    variable: setting.variable,
    secret: setting.secret ?? false,
    meaning: setting.meaning,
  };
  try {
    const given = findSetting(name, flags);
    if (given === null) return { ...row, value: null, source: null, where: null, error: null };
    parseSetting(name, given);
    checks[name]?.(flags);
    const { text, source, where } = given;
    const value = setting.secret ? MASK : withoutKeys(text);
    return { ...row, value, source, where: where || null, error: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...row, value: null, source: null, where: null, error: error.message };
  }
}
