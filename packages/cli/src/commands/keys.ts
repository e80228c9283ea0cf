// The commands about keys.

import type { Crediting, Key, KeyCreate, KeyPatch, KeyVerify } from '@warder/sdk';
import { type AddCommand, type Call, CHANGE, calls, changeOptions, RETRY } from '../command.ts';
import { CONFIRM } from '../confirmation.ts';
import { CREDITING, CREDITS } from '../credits.ts';
import { usage } from '../failure.ts';
import {
  COST,
  CREATED,
  changesOf,
  DRY_RUN,
  type Field,
  fieldOptions,
  limits,
  METADATA,
  membersOf,
  WORKSPACE,
  words,
} from '../fields.ts';
import { explanationText, factsOf, KEY_HEADS, rowOf, showKey, verdictText } from '../key-text.ts';
import { lists } from '../list.ts';
import { facts } from '../output.ts';
import { duration, list } from '../parse.ts';
import { readKey } from '../secret.ts';
import { showUsage, USAGE_RANGE } from '../usage-table.ts';
import { drawn, WATCH } from '../watch.ts';

const ENVIRONMENTS = ['live', 'test'];
const KINDS = ['standard', 'management'];
const STATUSES = 'deleted revoked disabled soft_blocked expired not_yet_valid active'.split(' ');
const MOMENT = 'as 2027-12-31T23:59:59Z';

const ENVIRONMENT: Field = {
  flag: '--environment <name>',
  member: 'environment',
  meaning: 'live or test',
  choices: ENVIRONMENTS,
};
const KIND: Field = {
  flag: '--kind <kind>',
  member: 'kind',
  meaning: 'standard, to be verified, or management, to call Warder',
  choices: KINDS,
};
const INCLUDE_DELETED: Field = {
  flag: '--include-deleted',
  member: 'include_deleted',
  meaning: 'also one that is deleted',
};

/** What can be set at any time. */
const TERMS: readonly Field[] = [
  { flag: '--name <text>', member: 'name', meaning: 'what people call it', clearable: true },
  {
    flag: '--owner <id>',
    member: 'owner_id',
    meaning: 'your own id of whom it belongs to',
    clearable: true,
  },
  words('--scopes <list>', 'scopes', 'scopes of a standard key, separated by commas', {
    clearable: true,
  }),
  {
    flag: '--permissions <list>',
    member: 'permissions',
    meaning: 'permissions of a management key, separated by commas, or the name of a preset',
    read: permissions,
  },
  words('--grant-scopes <list>', 'grants.scopes', 'patterns of the scopes it may give'),
  words('--grant-environments <list>', 'grants.environments', 'environments it may make keys of'),
  {
    flag: '--grant-max-life <duration>',
    member: 'grants.max_life_seconds',
    meaning: 'longest life of keys it makes, as 90d',
    read: duration,
    clearable: true,
  },
  words('--allowed-cidrs <list>', 'allowed_cidrs', 'networks it may be used from', {
    clearable: true,
  }),
  {
    flag: '--allow-self-revoke',
    member: 'allow_self_revoke',
    meaning: 'its holder may revoke it with the key alone',
  },
  limits('--limit <limit>', 'limits', 'what it may be used in a time'),
  METADATA,
  ...CREDITS,
  {
    flag: '--not-before <time>',
    member: 'not_before',
    meaning: `not valid before, ${MOMENT}`,
    clearable: true,
  },
  {
    flag: '--expires-at <time>',
    member: 'expires_at',
    meaning: `not valid from then on, ${MOMENT}`,
    clearable: true,
  },
  {
    flag: '--expires-in <duration>',
    member: 'expires_at',
    meaning: 'not valid after that long from now, as 30d',
    read: (text) => new Date(Date.now() + duration(text) * 1000).toISOString(),
  },
];

/** What is decided once. */
const ORIGIN: readonly Field[] = [
  KIND,
  ENVIRONMENT,
  WORKSPACE,
  {
    flag: '--instance',
    member: 'workspace_id',
    meaning: 'a management key of the whole instance, of no workspace',
    read: () => null,
  },
];

const FILTERS: readonly Field[] = [
  words('--status <list>', 'status', 'of any of these', { among: STATUSES, join: commas }),
  { ...KIND, meaning: 'only of this kind' },
  { flag: '--owner <id>', member: 'owner_id', meaning: 'only of this owner' },
  { flag: '--scope <scope>', member: 'scope', meaning: 'only with this very scope' },
  { ...ENVIRONMENT, meaning: 'only of this environment' },
  { flag: '--created-by <id>', member: 'created_by', meaning: 'only made by this key or member' },
  ...CREATED,
  { flag: '--expires-after <time>', member: 'expires_after', meaning: 'that expire then or later' },
  { flag: '--expires-before <time>', member: 'expires_before', meaning: 'that expire before' },
  {
    flag: '--last-used-after <time>',
    member: 'last_used_after',
    meaning: 'used that day or later',
  },
  { flag: '--last-used-before <time>', member: 'last_used_before', meaning: 'used, but not since' },
  { flag: '--never-used', member: 'never_used', meaning: 'only those never used' },
  { ...METADATA, meaning: 'with name=value among its metadata, for names its workspace declares' },
  { flag: '--search <text>', member: 'search', meaning: 'with this in name, owner or shown parts' },
  {
    flag: '--sort <order>',
    member: 'sort',
    meaning: 'created_at, expires_at, last_used_at or name; from the greatest on as --sort=-name',
  },
  { ...WORKSPACE, meaning: 'only of this workspace' },
  { ...INCLUDE_DELETED, meaning: 'also those that are deleted' },
];

const ASK: readonly Field[] = [
  words('--scopes <list>', 'scopes', 'it must hold all of these'),
  {
    flag: '--query <text>',
    member: 'query',
    meaning: 'what it must hold, as "files:read and (admin or billing:write)"',
  },
  { flag: '--ip <address>', member: 'ip', meaning: 'where it is used from' },
  COST,
  DRY_RUN,
  { ...WORKSPACE, meaning: 'the workspace it must be of' },
  words('--include <list>', 'include', 'what else to answer: metadata'),
];

const EXPLAIN: readonly Field[] = [
  { flag: '--at <time>', member: 'at', meaning: `at this moment, ${MOMENT}; now unless given` },
  // Nothing is taken anyway, and the key is told whole.
  ...ASK.filter(({ member }) => member !== 'include' && member !== 'spend'),
];

export const addKeys: AddCommand = (program, output) => {
  const group = program.command('keys').description('make, find, change, end and verify keys');

  const create = group.command('create').description('make a key and show it, this once');
  fieldOptions(create, [...TERMS, ...ORIGIN]).option(...RETRY);
  calls(create, output, async ({ client, options }) => {
    // The service checks what the flags say, and names what does not fit.
    const draft = membersOf([...TERMS, ...ORIGIN], options) as KeyCreate;
    const created = await client.keys.create(draft, changeOptions(options));
    const { key, ...rest } = created;
    const note = 'The key is shown this once: keep it now.';
    output.newKey(key, created, `${note}\n\n${facts(factsOf(rest))}`);
  });

  const found = group.command('list').description('list keys, the newest first');
  lists(
    found,
    output,
    FILTERS,
    { heads: KEY_HEADS, rowOf },
    ({ client }, { metadata, ...query }) => {
      const members = Object.entries(metadata ?? {}).map(([name, value]) => [
        `metadata.${name}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]);
      return client.keys.list({ ...query, ...Object.fromEntries(members) });
    },
  ).option(...WATCH);

  const get = group.command('get').description('show a key').argument('<id>');
  fieldOptions(get, [INCLUDE_DELETED]).option(...WATCH);
  calls(get, output, async ({ client, options, operands }) => {
    const [id = ''] = operands;
    await drawn(options.watch, output, async () => {
      showKey(output, await client.keys.get(id, membersOf([INCLUDE_DELETED], options)));
    });
  });

  const update = group.command('update').description('change what is named').argument('<id>');
  fieldOptions(update, TERMS, true)
    .option('--no-allow-self-revoke', 'its holder may not revoke it')
    .option(...CHANGE)
    .option(...CONFIRM);
  calls(update, output, async ({ client, options, operands }) => {
    const [id = ''] = operands;
    // As above.
    const patch = changesOf(TERMS, options) as KeyPatch;
    showKey(output, await client.keys.update(id, patch, changeOptions(options)));
  });

  const act = (name: string, meaning: string, run: (call: Call, id: string) => Promise<Key>) => {
    const command = group
      .command(name)
      .description(meaning)
      .argument('<id>')
      .option(...CHANGE);
    return calls(command, output, async (call) => {
      showKey(output, await run(call, call.operands[0] ?? ''));
    });
  };
  fieldOptions(
    act('credits', 'add to the credits of a key, or set them', ({ client, options }, id) => {
      // As above.
      const crediting = membersOf(CREDITING, options) as Crediting;
      return client.keys.credit(id, crediting, changeOptions(options));
    }),
    CREDITING,
  ).option(...RETRY);
  act('disable', 'make a key invalid until it is enabled', ({ client, options }, id) =>
    client.keys.disable(id, changeOptions(options)),
  )
    .option(...RETRY)
    .option(...CONFIRM);
  act('enable', 'make a disabled key valid again', ({ client, options }, id) =>
    client.keys.enable(id, changeOptions(options)),
  )
    .option(...RETRY)
    .option(...CONFIRM);
  act('revoke', 'end a key for good', ({ client, options }, id) => {
    const { reason } = options;
    const body = typeof reason === 'string' ? { reason } : {};
    return client.keys.revoke(id, body, changeOptions(options));
  })
    .option('--reason <text>', 'why, for whoever looks later')
    .option(...CONFIRM)
    .option(...RETRY);
  act('delete', 'revoke a key and erase all but a tombstone', ({ client, options }, id) =>
    client.keys.delete(id, changeOptions(options)),
  ).option(...CONFIRM);

  const verify = group
    .command('verify')
    .description('judge the key on standard input: 0 where it is good, else 1')
    .option('--from-file <file>', 'judge the key in this file')
    .allowExcessArguments();
  calls(fieldOptions(verify, ASK), output, async ({ client, options, operands }) => {
    if (operands.length > 0) {
      throw usage('A key is never an argument: pass it on standard input or by --from-file FILE.');
    }
    const { fromFile } = options;
    const key = await readKey(typeof fromFile === 'string' ? fromFile : undefined);
    output.hide(key);
    // As above.
    const ask = { ...membersOf(ASK, options), key } as KeyVerify;
    const verdict = await client.keys.verify(ask);
    output.data(verdict, verdictText(verdict));
    if (!verdict.valid) process.exitCode = 1;
  });

  const counted = group
    .command('usage')
    .description('how often a key was verified, with which verdict')
    .argument('<id>');
  calls(fieldOptions(counted, USAGE_RANGE), output, async ({ client, options, operands }) => {
    const [id = ''] = operands;
    showUsage(output, await client.keys.usage(id, membersOf(USAGE_RANGE, options)));
  });

  const explain = group
    .command('explain')
    .description('why a key is good or not: each check, and its last refusals')
    .argument('<id>');
  calls(fieldOptions(explain, EXPLAIN), output, async ({ client, options, operands }) => {
    const [id = ''] = operands;
    const explained = await client.keys.explain(id, membersOf(EXPLAIN, options));
    output.data(explained, explanationText(explained));
  });
};

/** Lists as the service takes them in a query. */
function commas(lists: readonly unknown[]): string {
  return lists.flat().join(',');
}

/** One word without a colon is the name of a preset; anything else is a list. */
function permissions(text: string): string | string[] {
  return /^[a-z]+$/.test(text) ? text : list(text);
}
