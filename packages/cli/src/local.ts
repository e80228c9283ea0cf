// The commands that work on the data folder itself, without a service. Each is
// loaded only when it runs, so that the others start fast.

import { type AddCommand, settingFlags, settingOptions } from './command.ts';

export const addLocal: AddCommand = (program, output) => {
  const backup = program
    .command('backup')
    .description('copy the database, beside a running service, to a file or standard output')
    .option('--out <file>', 'where to, - for standard output (default: warder-<time>.backup)');
  settingOptions(backup, 'local').action(async () => {
    const { backup: run } = await import('./local/backup.ts');
    await run(settingFlags(backup.opts()), backup.opts().out, output);
  });

  const restore = program
    .command('restore')
    .description('make a backup the database, without reviving what ended since')
    .argument('<file>', 'what `warder backup` made')
    .option('--events <file>', 'an export or the log of events, from before the backup on')
    .option('--accept-revivals', 'go on without them: what ended since is good again')
    .option('--replace', 'also where the folder has a database, which is kept beside')
    .option('--plain', 'the file is a bare copy of a database, as Litestream restores it');
  settingOptions(restore, 'local').action(async () => {
    const { events, acceptRevivals = false, replace = false, plain = false } = restore.opts();
    const options = { events, acceptRevivals, replace, plain };
    const { restore: run } = await import('./local/restore.ts');
    await run(settingFlags(restore.opts()), restore.args[0] ?? '', options, output);
  });

  const migrate = program
    .command('migrate')
    .description('bring the database to the schema of this version, with a copy left beside it')
    .option('--check', 'change nothing: say what is pending, and exit with 1 where anything is')
    .option(
      '--print-grants',
      'print what the roles warder_migrate and warder_serve must be allowed in PostgreSQL, and do nothing',
    );
  settingOptions(migrate, 'local').action(async () => {
    const { migrate: run, printGrants } = await import('./local/migrate.ts');
    if (migrate.opts().printGrants === true) return await printGrants(output);
    await run(settingFlags(migrate.opts()), migrate.opts().check === true, output);
  });

  const copy = program
    .command('copy')
    .description('move an installation from a file to PostgreSQL, beside a running service')
    .option('--from <path>', 'the data folder, or the database file in it (default: ./data)')
    .option('--to <url>', 'an empty database in PostgreSQL (or DATABASE_URL)')
    .action(async () => {
      const { copy: run } = await import('./local/copy.ts');
      await run(copy.opts(), output);
    });

  const doctor = program
    .command('doctor')
    .description(
      'look whether all is well with the data folder, and what to do: 1 where it is not',
    );
  settingOptions(doctor, 'local', 'doctor').action(async () => {
    const { doctor: run } = await import('./local/doctor.ts');
    await run(settingFlags(doctor.opts()), output);
  });
};
