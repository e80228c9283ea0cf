// The commands about members: who belongs to which workspace, in which role.

import { etagOf, type Member, type MemberAdd, type MemberPatch } from '@warder/sdk';
import { type AddCommand, type Call, CHANGE, calls, changeOptions, RETRY } from '../command.ts';
import { CONFIRM, confirmationFacts } from '../confirmation.ts';
import {
  changesOf,
  type Field,
  fieldOptions,
  membersOf,
  NAMED,
  WORKSPACE,
  words,
} from '../fields.ts';
import { lists } from '../list.ts';
import { facts, type Output } from '../output.ts';

const ROLE: Field = {
  flag: '--role <role>',
  member: 'role',
  meaning: 'viewer, editor, admin or owner: no more than you are yourself',
  choices: ['viewer', 'editor', 'admin', 'owner'],
};
const NAME: Field = {
  flag: '--name <text>',
  member: 'name',
  meaning: 'what people call it',
  clearable: true,
};
const WHO: readonly Field[] = [
  { flag: '--issuer <url>', member: 'issuer', meaning: 'the `iss` of its tokens, exactly' },
  { flag: '--subject <text>', member: 'subject', meaning: 'the `sub` of its tokens, exactly' },
];
const FACTS = [ROLE, NAME];
const FILTERS: readonly Field[] = [
  { ...WORKSPACE, meaning: 'only of this workspace' },
  { ...ROLE, meaning: 'only in this role' },
  ...NAMED,
];
const KEPT = words('--keep-keys <ids>', 'keep_keys', 'keys of it that stay as they are');

export const addMembers: AddCommand = (program, output) => {
  const group = program
    .command('members')
    .description('who signs in to a workspace, and what they may do there');

  lists(
    group.command('list').description('list members, the newest first'),
    output,
    FILTERS,
    {
      heads: ['ID', 'ROLE', 'NAME', 'SUBJECT', 'ISSUER', 'WORKSPACE'],
      rowOf: (one: Member) => [
        one.id,
        one.role,
        one.name,
        one.subject,
        one.issuer,
        one.workspace_id,
      ],
    },
    ({ client }, query) => client.members.list(query),
  );

  const add = group.command('add').description('make somebody a member of a workspace');
  fieldOptions(add, [...WHO, ...FACTS, WORKSPACE]).option(...RETRY);
  calls(add, output, async ({ client, options }) => {
    // The service checks what the flags say, and names what does not fit.
    const draft = membersOf([...WHO, ...FACTS, WORKSPACE], options) as MemberAdd;
    show(output, await client.members.add(draft, changeOptions(options)));
  });

  const one = (name: string, meaning: string, run: (call: Call, id: string) => Promise<Member>) =>
    calls(group.command(name).description(meaning).argument('<id>'), output, async (call) =>
      show(output, await run(call, call.operands[0] ?? '')),
    );

  one('show', 'show a member', ({ client }, id) => client.members.get(id));

  const edit = one('edit', 'change what is named', ({ client, options }, id) => {
    // As above.
    const patch = changesOf(FACTS, options) as MemberPatch;
    return client.members.update(id, patch, changeOptions(options));
  });
  fieldOptions(edit, FACTS, true)
    .option(...CHANGE)
    .option(...CONFIRM);

  const remove = one(
    'remove',
    'end a membership, and disable the keys it owns and the management keys it made',
    ({ client, options }, id) => {
      const { keep_keys: kept } = membersOf([KEPT], options);
      const query = Array.isArray(kept) ? { keep_keys: kept.join(',') } : {};
      return client.members.remove(id, query, changeOptions(options));
    },
  );
  fieldOptions(remove, [KEPT])
    .option(...CHANGE)
    .option(...CONFIRM);
};

function show(output: Output, member: Member): void {
  output.data(
    member,
    facts([
      ['id', member.id],
      ['workspace', member.workspace_id],
      ['issuer', member.issuer],
      ['subject', member.subject],
      ['role', member.role],
      ['name', member.name],
      ['source', member.source],
      ['created_at', member.created_at],
      ['removed_at', member.removed_at],
      ...confirmationFacts(member),
      ['etag', etagOf(member) ?? null],
    ]),
  );
}
