// The command about usage: how often keys were verified with which verdict.

import { type AddCommand, calls } from '../command.ts';
import { type Field, fieldOptions, membersOf, WORKSPACE } from '../fields.ts';
import { showUsage, USAGE_RANGE } from '../usage-table.ts';

const FIELDS: readonly Field[] = [
  { ...WORKSPACE, meaning: 'only of this workspace' },
  { flag: '--owner <id>', member: 'owner_id', meaning: 'only of this owner' },
  { flag: '--key <id>', member: 'key_id', meaning: 'only of this key' },
  ...USAGE_RANGE,
];

export const addUsage: AddCommand = (program, output) => {
  const command = program
    .command('usage')
    .description('how often keys were verified, with which verdict');
  calls(fieldOptions(command, FIELDS), output, async ({ client, options }) => {
    showUsage(output, await client.usage.get(membersOf(FIELDS, options)));
  });
};
