// What an operator may choose of dialects, and how each wrong choice is refused, over
// invented kinds: the products themselves are not asked.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { acornKind, oakKind, plainKind } from '../../../../tests/fixtures/dialect.ts';
import { SETTINGS } from '../settings.ts';
import {
  dialectListenersIn,
  dialectOptionsIn,
  dialectsIn,
  sharedCredentialsIn,
} from './dialects.ts';

const KINDS = [acornKind, oakKind, plainKind];
const LONG = 'x'.repeat(128);

beforeEach(() => {
  for (const { variable } of Object.values(SETTINGS)) {
    vi.stubEnv(variable, undefined);
    vi.stubEnv(`${variable}_FILE`, undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const refusal = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    // Whatever was thrown is an error with a message.
    return error as Error & { exitCode: number };
  }
  return expect.unreachable('it should have been refused');
};
const served = (dialects?: string) =>
  dialectsIn(dialects === undefined ? {} : { dialects }, KINDS).map(({ name }) => name);

describe('the dialects that are served', () => {
  test('are all there are unless some are named, or none', () => {
    expect(served()).toEqual(['acorn', 'oak', 'plain']);
    expect(served('plain,acorn')).toEqual(['acorn', 'plain']);
    expect(served('none')).toEqual([]);
    vi.stubEnv('WARDER_DIALECTS', 'oak');
    expect(served()).toEqual(['oak']);
  });

  test('are refused by name where there is none of it, with those there are', () => {
    for (const names of ['pine', 'acorn,pine']) {
      expect(refusal(() => served(names))).toMatchObject({
        message: '--dialects names pine, which is no dialect: there are acorn, oak, plain.',
        exitCode: 2,
      });
    }
    expect(refusal(() => served('none,acorn')).message).toMatch(/^--dialects names none, which/);
    vi.stubEnv('WARDER_DIALECTS', 'pine');
    expect(refusal(() => served()).message).toMatch(/^WARDER_DIALECTS names pine/);
  });

  test('have listeners of their own only where they are served', () => {
    const flags = { dialectListen: 'oak=127.0.0.1:0,acorn=[::1]:7711' };
    expect(dialectListenersIn(flags, KINDS)).toEqual([
      { name: 'oak', host: '127.0.0.1', port: 0 },
      { name: 'acorn', host: '::1', port: 7711 },
    ]);
    expect(dialectListenersIn({}, KINDS)).toEqual([]);
    const without = () => dialectListenersIn({ ...flags, dialects: 'acorn' }, KINDS);
    expect(refusal(without)).toMatchObject({
      message: '--dialect-listen names oak, which is not served: served are acorn.',
      exitCode: 2,
    });
    const none = () => dialectListenersIn({ ...flags, dialects: 'none' }, KINDS);
    expect(refusal(none).message).toMatch(/served are none\.$/);
  });
});

describe('options of dialects', () => {
  test('reach the dialect, and what is not chosen has its default', () => {
    const [first] = dialectsIn({ dialects: 'acorn' }, KINDS);
    expect(first?.title).toBe('Acorn with a hard shell');
    const [chosen] = dialectsIn({ dialects: 'acorn', dialectOptions: 'acorn.shell=soft' }, KINDS);
    expect(chosen?.title).toBe('Acorn with a soft shell');
  });

  test('are listed with what they mean, what they are, and whether that was chosen', () => {
    expect(dialectOptionsIn({ dialectOptions: 'acorn.prefix=nut_' }, KINDS)).toEqual([
      {
        name: 'acorn.shell',
        meaning: 'how its nuts are wrapped: hard or soft',
        value: 'hard',
        chosen: false,
      },
      { name: 'acorn.prefix', meaning: 'what its keys begin with', value: 'nut_', chosen: true },
    ]);
  });

  test.each([
    ['pine.shell=hard', 'names pine, which is no dialect: there are acorn, oak, plain.'],
    ['acorn.skin=hard', 'names acorn.skin: the options of acorn are shell, prefix.'],
    ['acorn.constructor=hard', 'names acorn.constructor: the options of acorn are shell, prefix.'],
    ['oak.shell=hard', 'names oak.shell: the options of oak are none.'],
  ])('there are not are refused by name: %s', (dialectOptions, rule) => {
    expect(refusal(() => dialectsIn({ dialectOptions }, KINDS))).toMatchObject({
      message: `--dialect-options ${rule}`,
      exitCode: 2,
    });
  });

  test.each(['Hard', 'hardest', 'xhard', ''])(
    'have a value that matches as a whole, or are refused with what they may be: %j',
    (value) => {
      const flags = { dialectOptions: `acorn.shell=${value}` };
      expect(refusal(() => dialectsIn(flags, KINDS)).message).toBe(
        '--dialect-options must give acorn.shell a value that matches hard|soft: how its nuts are wrapped: hard or soft.',
      );
    },
  );
});

describe('shared credentials', () => {
  const row = { surface: 'acorn', label: 'a', secret: LONG.slice(0, 32), workspaces: ['default'] };
  const read = (...rows: object[]) => {
    vi.stubEnv('WARDER_SHARED_CREDENTIALS', JSON.stringify(rows));
    return sharedCredentialsIn({}, KINDS);
  };

  test('are none unless they are given', () => {
    expect(sharedCredentialsIn({}, KINDS)).toEqual([]);
  });

  test('are several a surface, so that one can be replaced', () => {
    const rows = [row, { ...row, label: 'b' }, { ...row, surface: 'oak', secret: LONG }];
    expect(read(...rows)).toEqual(rows);
    const many = { ...row, surface: 'oak', secret: LONG, workspaces: ['default', 'other'] };
    expect(read(many)).toEqual([many]);
  });

  test.each([
    [{ secret: LONG.slice(0, 31) }, 'its secret must have 32 characters at least, for acorn'],
    [
      { surface: 'oak', secret: LONG.slice(0, 127) },
      'its secret must have 128 characters at least, for oak',
    ],
    [{ workspaces: ['default', 'other'] }, 'its workspaces must be exactly one, for acorn'],
    [
      { surface: 'plain' },
      'its surface must be one that takes such credentials, which are acorn, oak',
    ],
    [
      { surface: 'pine' },
      'its surface must be one that takes such credentials, which are acorn, oak',
    ],
  ])('that break a rule of their surface are refused by row and rule: %j', (more, rule) => {
    const { message } = refusal(() => read(row, { ...row, label: 'b', ...more }));
    expect(message).toBe(`WARDER_SHARED_CREDENTIALS row 2: ${rule}.`);
    expect(message).not.toContain('xxxx');
  });
});
