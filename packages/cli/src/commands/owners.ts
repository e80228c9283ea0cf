// The commands about owners, who are named by your own ids of them.

import { type Crediting, etagOf, type Owner } from '@warder/sdk';
import { type AddCommand, type Call, CHANGE, calls, changeOptions, RETRY } from '../command.ts';
import { CONFIRM, confirmationFacts } from '../confirmation.ts';
import { CREDITING, CREDITS, creditFacts } from '../credits.ts';
import {
  changesOf,
  type Field,
  fieldOptions,
  limits,
  METADATA,
  membersOf,
  NAMED,
  WORKSPACE,
} from '../fields.ts';
import { limitsText } from '../limits-text.ts';
import { lists } from '../list.ts';
import { facts, type Output } from '../output.ts';

const FACTS: readonly Field[] = [
  {
    flag: '--type <text>',
    member: 'type',
    meaning: 'what it is, in words of yours',
    clearable: true,
  },
  { flag: '--name <text>', member: 'name', meaning: 'what people call it', clearable: true },
  limits('--limit <limit>', 'limits', 'shared by all its keys'),
  METADATA,
  ...CREDITS,
];
const FILTERS: readonly Field[] = [{ ...WORKSPACE, meaning: 'only of this workspace' }, ...NAMED];

export const addOwners: AddCommand = (program, output) => {
  const group = program.command('owners').description('whom keys belong to: your own customers');

  lists(
    group.command('list').description('list owners, the newest first'),
    output,
    FILTERS,
    {
      heads: ['OWNER', 'NAME', 'TYPE', 'SUSPENDED', 'WORKSPACE'],
      rowOf: (one: Owner) => [one.owner_id, one.name, one.type, one.suspended_at, one.workspace_id],
    },
    ({ client }, query) => client.owners.list(query),
  );

  const one = (
    name: string,
    meaning: string,
    run: (call: Call, owner: string) => Promise<Owner>,
  ) => {
    const command = group.command(name).description(meaning).argument('<owner>', 'your id of it');
    return calls(fieldOptions(command, [WORKSPACE]), output, async (call) => {
      show(output, await run(call, call.operands[0] ?? ''));
    });
  };
  const within = (call: Call) => membersOf([WORKSPACE], call.options);

  one('get', 'show an owner', (call, owner) => call.client.owners.get(owner, within(call)));

  const put = one('put', 'make an owner, or replace all that is known of it', (call, owner) => {
    const facts = membersOf([WORKSPACE, ...FACTS], call.options);
    return call.client.owners.put(owner, facts, changeOptions(call.options));
  });
  fieldOptions(put, FACTS)
    .option(...CHANGE)
    .option(...CONFIRM);

  const update = one('update', 'change what is named', (call, owner) => {
    const patch = changesOf(FACTS, call.options);
    return call.client.owners.update(owner, patch, within(call), changeOptions(call.options));
  });
  fieldOptions(update, FACTS, true)
    .option(...CHANGE)
    .option(...CONFIRM);

  const credits = one('credits', 'add to the credits of an owner, or set them', (call, owner) => {
    // The service checks what the flags say, and names what does not fit.
    const crediting = membersOf(CREDITING, call.options) as Crediting;
    return call.client.owners.credit(owner, crediting, within(call), changeOptions(call.options));
  });
  fieldOptions(credits, CREDITING)
    .option(...CHANGE)
    .option(...RETRY);

  one('suspend', 'make all its keys answer `suspended`', (call, owner) =>
    call.client.owners.suspend(owner, within(call), changeOptions(call.options)),
  )
    .option(...CHANGE)
    .option(...CONFIRM)
    .option(...RETRY);
  one('resume', 'end its suspension', (call, owner) =>
    call.client.owners.resume(owner, within(call), changeOptions(call.options)),
  )
    .option(...CHANGE)
    .option(...CONFIRM)
    .option(...RETRY);
  one('erase', 'remove all that is known of it, for good', (call, owner) => {
    const query = { ...within(call), ...(call.options.keys ? { keys: 'erase' as const } : {}) };
    return call.client.owners.erase(owner, query, changeOptions(call.options));
  })
    .option('--keys', 'its keys too, none of which is good from then on')
    .option(...CHANGE)
    .option(...CONFIRM)
    .option(...RETRY);
};

function show(output: Output, owner: Owner): void {
  output.data(
    owner,
    facts([
      ['owner', owner.owner_id],
      ['id', owner.id],
      ['workspace', owner.workspace_id],
      ['type', owner.type],
      ['name', owner.name],
      ['limits', owner.limits && limitsText(owner.limits)],
      ['metadata', JSON.stringify(owner.metadata)],
      ...creditFacts(owner.credits),
      ['created_at', owner.created_at],
      ['suspended_at', owner.suspended_at],
      ['erased_at', owner.erased_at],
      ...confirmationFacts(owner),
      ['etag', etagOf(owner) ?? null],
    ]),
  );
}
