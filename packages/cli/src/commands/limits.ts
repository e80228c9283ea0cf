// The command about limits without a key.

import type { LimitTake } from '@warder/sdk';
import { type AddCommand, calls } from '../command.ts';
import { COST, DRY_RUN, type Field, fieldOptions, membersOf, WORKSPACE } from '../fields.ts';
import { facts } from '../output.ts';
import { duration, wholeNumber } from '../parse.ts';

const TAKE: readonly Field[] = [
  { flag: '--limit <count>', member: 'limit', meaning: 'how much a window has', read: wholeNumber },
  {
    flag: '--window <duration>',
    member: 'window_seconds',
    meaning: 'how long a window is from its first use on, as 60s or 1d',
    read: duration,
  },
  COST,
  DRY_RUN,
  WORKSPACE,
];

export const addLimits: AddCommand = (program, output) => {
  const group = program.command('limits').description('limits for what has no key');

  const take = group
    .command('take')
    .description('take from a limit: 0 where there was enough, else 1')
    .argument('<name>')
    .argument('<identifier>', 'whom the window is for: an address, a user, anything');
  calls(fieldOptions(take, TAKE), output, async ({ client, options, operands }) => {
    const [name = '', identifier = ''] = operands;
    // The service checks what the flags say, and names what does not fit.
    const body = { ...membersOf(TAKE, options), identifier } as LimitTake;
    const taken = await client.limits.take(name, body);
    output.data(
      taken,
      facts([
        ['allowed', taken.allowed ? 'yes' : 'no'],
        ['limit', String(taken.limit)],
        ['remaining', String(taken.remaining)],
        ['reset_at', taken.reset_at],
        ['retry_after_seconds', taken.retry_after_seconds?.toString() ?? null],
      ]),
    );
    if (!taken.allowed) process.exitCode = 1;
  });
};
