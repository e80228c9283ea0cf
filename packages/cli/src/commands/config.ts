// Every setting, its value and where that came from: for whoever wonders why the
// program does what it does. Secrets are masked.

import { type AddCommand, settingFlags, settingOptions } from '../command.ts';
import {
  type Flags,
  findSetting,
  parseSetting,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
} from '../config.ts';
import { Failure } from '../failure.ts';
import { table } from '../output.ts';
import { withoutKeys } from '../secret.ts';

const MASK = '********';

export const addConfig: AddCommand = (program, output) => {
  const command = program
    .command('config')
    .description('every setting, its value and where it came from; secrets are masked');
  settingOptions(command, 'serve', 'local', 'client').action(() => {
    const flags = settingFlags(command.opts());
    const rows = SETTING_NAMES.map((name) => rowOf(name, flags));
    const cells = rows.map(({ setting, variable, value, source, where, error }) => [
      setting,
      variable,
      error ?? value,
      [source, where].filter(Boolean).join(' '),
    ]);
    output.data(rows, table(['SETTING', 'VARIABLE', 'VALUE', 'FROM'], cells));
    if (rows.some(({ error }) => error !== null)) process.exitCode = 1;
  });
};

function rowOf(name: SettingName, flags: Flags) {
  const setting: Setting = SETTINGS[name];
  const row = {
    setting: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    variable: setting.variable,
    secret: setting.secret,
    meaning: setting.meaning,
  };
  try {
    const given = findSetting(name, flags);
    if (given === null) return { ...row, value: null, source: null, where: null, error: null };
    parseSetting(name, given);
    const { text, source, where } = given;
    const value = setting.secret ? MASK : withoutKeys(text);
    return { ...row, value, source, where: where || null, error: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...row, value: null, source: null, where: null, error: error.message };
  }
}
