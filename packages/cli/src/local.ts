// The commands that work on the data folder itself, without a service. Each is
// loaded only when it runs, so that the others start fast.

import { type AddCommand, settingFlags, settingOptions } from './command.ts';

export const addLocal: AddCommand = (program, output) => {
  const migrate = program
    .command('migrate')
    .description('bring the database to the schema of this version, with a copy left beside it')
    .option('--check', 'change nothing: say what is pending, and exit with 1 where anything is');
  settingOptions(migrate, 'local').action(async () => {
    const { migrate: run } = await import('./local/migrate.ts');
    run(settingFlags(migrate.opts()), migrate.opts().check === true, output);
  });
};
