// The commands about workspaces.

import { etagOf, type Workspace, type WorkspaceCreate, type WorkspacePatch } from '@warder/sdk';
import { type AddCommand, type Call, CHANGE, calls, changeOptions, RETRY } from '../command.ts';
import { CONFIRM, confirmationFacts } from '../confirmation.ts';
import { changesOf, type Field, fieldOptions, limits, membersOf, NAMED, words } from '../fields.ts';
import { limitsText } from '../limits-text.ts';
import { lists } from '../list.ts';
import { facts, type Output } from '../output.ts';
import { duration, wholeNumber } from '../parse.ts';

const FIELDS: readonly Field[] = [
  { flag: '--name <text>', member: 'name', meaning: 'what people call it' },
  { flag: '--slug <text>', member: 'slug', meaning: 'its short name: a-z, 0-9 and "-"' },
  {
    flag: '--token-prefix <text>',
    member: 'settings.token_prefix',
    meaning: 'what its keys begin with in place of wdr',
    clearable: true,
  },
  {
    flag: '--default-life <duration>',
    member: 'settings.default_life_seconds',
    meaning: 'life of a key that names no end, as 90d',
    read: duration,
    clearable: true,
  },
  {
    flag: '--max-life <duration>',
    member: 'settings.max_life_seconds',
    meaning: 'longest life of a key',
    read: duration,
    clearable: true,
  },
  {
    flag: '--max-keys <count>',
    member: 'settings.max_keys',
    meaning: 'how many keys it may have',
    read: wholeNumber,
    clearable: true,
  },
  {
    flag: '--max-keys-per-owner <count>',
    member: 'settings.max_keys_per_owner',
    meaning: 'how many keys each of its owners may have',
    read: wholeNumber,
    clearable: true,
  },
  words('--known-scopes <list>', 'settings.known_scopes', 'the only scopes its keys may have', {
    clearable: true,
  }),
  words(
    '--metadata-filters <list>',
    'settings.metadata_filters',
    'up to three names of metadata that lists can be filtered by',
    { clearable: true },
  ),
  limits('--key-limit <limit>', 'settings.key_limits', 'of each key without its own'),
  limits('--owner-limit <limit>', 'settings.owner_limits', 'shared by all keys of one owner'),
  limits('--workspace-limit <limit>', 'settings.workspace_limits', 'shared by all its keys'),
  {
    flag: '--ordinary-keys-manage',
    member: 'settings.ordinary_keys_manage',
    meaning: 'ordinary keys of a product may manage keys where its API lets them (the default)',
  },
];

/** The other way round: the parser knows the two for one option. */
const NO_ORDINARY_KEYS = [
  '--no-ordinary-keys-manage',
  'no ordinary key manages keys, whatever its product lets it do',
] as const;

export const addWorkspaces: AddCommand = (program, output) => {
  const group = program
    .command('workspaces')
    .description('products or tenants, each with its own keys');

  const create = group.command('create').description('make a workspace');
  fieldOptions(create, FIELDS)
    .option(...NO_ORDINARY_KEYS)
    .option(...RETRY);
  calls(create, output, async ({ client, options }) => {
    // The service checks what the flags say, and names what does not fit.
    const draft = membersOf(FIELDS, options) as WorkspaceCreate;
    show(output, await client.workspaces.create(draft, changeOptions(options)));
  });

  lists(
    group.command('list').description('list workspaces, the newest first'),
    output,
    NAMED,
    {
      heads: ['ID', 'SLUG', 'NAME', 'SUSPENDED', 'CREATED'],
      rowOf: (one: Workspace) => [one.id, one.slug, one.name, one.suspended_at, one.created_at],
    },
    ({ client }, query) => client.workspaces.list(query),
  );

  calls(
    group.command('get').description('show a workspace').argument('<id>'),
    output,
    async ({ client, operands }) => show(output, await client.workspaces.get(operands[0] ?? '')),
  );

  const update = group.command('update').description('change what is named').argument('<id>');
  fieldOptions(update, FIELDS, true)
    .option(...NO_ORDINARY_KEYS)
    .option(...CHANGE)
    .option(...CONFIRM);
  calls(update, output, async ({ client, options, operands }) => {
    // As above.
    const patch = changesOf(FIELDS, options) as WorkspacePatch;
    show(output, await client.workspaces.update(operands[0] ?? '', patch, changeOptions(options)));
  });

  const act = (
    name: string,
    meaning: string,
    run: (call: Call, id: string) => Promise<Workspace>,
  ) => {
    const command = group
      .command(name)
      .description(meaning)
      .argument('<id>')
      .option(...CHANGE)
      .option(...CONFIRM);
    return calls(command, output, async (call) => {
      show(output, await run(call, call.operands[0] ?? ''));
    });
  };
  act('suspend', 'make all its keys answer `suspended`', ({ client, options }, id) =>
    client.workspaces.suspend(id, changeOptions(options)),
  ).option(...RETRY);
  act('resume', 'end its suspension', ({ client, options }, id) =>
    client.workspaces.resume(id, changeOptions(options)),
  ).option(...RETRY);
  act('delete', 'delete a workspace that has no keys', ({ client, options }, id) => {
    const query = options.revokeKeys === true ? { keys: 'revoke' as const } : {};
    return client.workspaces.delete(id, query, changeOptions(options));
  }).option('--revoke-keys', 'revoke and erase the keys it has');
};

function show(output: Output, workspace: Workspace): void {
  const { id, name, slug, is_default, settings, created_at, suspended_at, deleted_at } = workspace;
  const set = Object.keys(settings).map(
    (setting) => [setting, settingText(setting, settings)] as const,
  );
  output.data(
    workspace,
    facts([
      ['id', id],
      ['name', name],
      ['slug', slug],
      ['is_default', is_default ? 'yes' : 'no'],
      ...set,
      ['created_at', created_at],
      ['suspended_at', suspended_at],
      ['deleted_at', deleted_at],
      ...confirmationFacts(workspace),
      ['etag', etagOf(workspace) ?? null],
    ]),
  );
}

/** Settings are of three kinds: values, lists of words, and lists of limits. */
function settingText(setting: string, settings: Workspace['settings']): string | null {
  if (setting === 'key_limits' || setting === 'owner_limits' || setting === 'workspace_limits') {
    return limitsText(settings[setting]);
  }
  // Only names of its own are given.
  const value = settings[setting as keyof typeof settings];
  return value === null ? null : String(value);
}
