// The key that the program calls with, about itself.

import { type AddCommand, calls } from '../command.ts';
import { facts } from '../output.ts';

export const addWhoami: AddCommand = (program, output) => {
  const command = program.command('whoami').description('what the key you call with is and may do');
  calls(command, output, async ({ client }) => {
    const self = await client.whoami();
    const { identity, kind, instance, workspace, permissions, key } = self;
    output.data(
      self,
      facts([
        [identity.type, identity.id],
        ['name', key?.name ?? null],
        ['kind', kind],
        ['workspace', instance ? 'all of the instance' : (workspace?.slug ?? null)],
        ['permissions', permissions.join(', ')],
        ['expires_at', key?.expires_at ?? null],
      ]),
    );
  });
};
