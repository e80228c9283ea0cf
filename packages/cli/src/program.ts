// The program: its commands put together, and what becomes of what they throw.
// `serve` and `recover` are loaded only when they run, so that the others start fast.

import { WarderApiError, WarderConnectionError } from '@warder/sdk';
import { Command, CommanderError } from 'commander';
import { settingFlags, settingOptions } from './command.ts';
import { addConfig } from './commands/config.ts';
import { addEvents } from './commands/events.ts';
import { addKeys } from './commands/keys.ts';
import { addLimits } from './commands/limits.ts';
import { addMembers } from './commands/members.ts';
import { addOwners } from './commands/owners.ts';
import { addProve } from './commands/prove.ts';
import { addUsage } from './commands/usage.ts';
import { addWhoami } from './commands/whoami.ts';
import { addWorkspaces } from './commands/workspaces.ts';
import { addCompletion } from './completion.ts';
import { addExamples } from './examples.ts';
import { Failure, usage } from './failure.ts';
import { addLocal } from './local.ts';
import { Output, plain } from './output.ts';
import { refuseKeys } from './secret.ts';
import { SETTINGS, type Setting } from './settings.ts';
import { VERSION } from './version.ts';

/** Runs the program and answers its exit code. @param argv the words after the program's name */
export async function run(argv: readonly string[]): Promise<number> {
  const output = new Output(argv.includes('--json'));
  const program = createProgram(output);
  try {
    refuseKeys(argv);
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = failureOf(error, () => pathOf(program, argv));
    output.error(failure, detailsOf(error));
    return failure.exitCode;
  }
}

/** The whole program, for whoever runs it or reads off it what there is. */
export function createProgram(output: Output): Command {
  const program = new Command('warder')
    .description('Issue, verify and manage API keys: the service and its command line.')
    .version(VERSION, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--json', 'answer in JSON: data on standard output, errors on standard error')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('after', HELP);

  const serve = program.command('serve').description('run the service');
  settingOptions(serve, 'serve')
    .addHelpText('after', secretsHelp('serve'))
    .action(async () => {
      const { serve: start } = await import('./serve.ts');
      await start(settingFlags(serve.opts()), output);
    });
  const recover = program
    .command('recover')
    .description('make a management key with an hour to live, from the database and the secret');
  settingOptions(recover, 'local')
    .addHelpText('after', secretsHelp('local'))
    .action(async () => {
      const { recover: make } = await import('./local/recover.ts');
      await make(settingFlags(recover.opts()), output);
    });
  for (const add of [
    addLocal,
    addKeys,
    addWorkspaces,
    addOwners,
    addLimits,
    addMembers,
    addEvents,
    addUsage,
    addProve,
    addWhoami,
    addConfig,
    addCompletion,
  ]) {
    add(program, output);
  }
  addExamples(program);
  return program;
}

const HELP = `
The key to call with is read from --key-file FILE, WARDER_KEY or WARDER_KEY_FILE, and else
from ./data/first-key, where a first start left one. A key is never an argument.

Exit codes: 0 done, 1 failed (also: the key that was verified is not good), 2 called
wrongly, 130 interrupted.`;

function secretsHelp(audience: 'serve' | 'local'): string {
  const rows = Object.values<Setting>(SETTINGS)
    .filter(
      (setting) =>
        setting.secret && setting.flag === undefined && setting.audience.includes(audience),
    )
    .map(({ variable, meaning, file }) => {
      const fallback = file === undefined ? '' : `; else in the file ${file} in the data folder`;
      return `  ${variable} or ${variable}_FILE\n      ${meaning}${fallback}`;
    });
  return `\nSecrets, by variable or by the file that a variable names:\n${rows.join('\n')}`;
}

function failureOf(error: unknown, path: () => string): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) {
    if (error.code === 'commander.help')
      return usage(`Say which command: see \`${path()} --help\`.`);
    const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
    const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.$/, '')}.`;
    return usage(plain([sentence, ...rest, `See \`${path()} --help\`.`].join(' ')));
  }
  if (error instanceof WarderApiError) return new Failure(error.code, plain(error.detail));
  if (error instanceof WarderConnectionError) {
    const hint = error.message.startsWith('The certificate')
      ? 'NODE_EXTRA_CA_CERTS=FILE names more to trust.'
      : 'Another address is given by --url or WARDER_URL.';
    return new Failure('unreachable', `${error.message} ${hint}`);
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Failure('internal', `This should not happen: ${message}`);
}

function detailsOf(error: unknown): object {
  if (!(error instanceof WarderApiError)) return {};
  const { requestId, errors } = error;
  return { request_id: requestId, ...(errors.length > 0 ? { errors } : {}) };
}

/** The deepest command that the words name. */
function pathOf(program: Command, argv: readonly string[]): string {
  let command = program;
  const names = [program.name()];
  for (const word of argv) {
    const next = command.commands.find((one) => one.name() === word);
    if (!next) continue;
    command = next;
    names.push(word);
  }
  return names.join(' ');
}
