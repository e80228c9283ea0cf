// What two processes may rely on that ask each other.

import { WarderError } from '@warder/core';
import { expect, test, vi } from 'vitest';
import { testChannel } from '../../../tests/kit/channel.ts';
import { openLine } from './line.ts';

type Asked = {
  double(value: number): Promise<number>;
  note(value: string): void;
  fail(nothing: null): never;
  break(nothing: null): never;
  never(nothing: null): Promise<null>;
};

function connected() {
  const channel = testChannel();
  const [near, far] = channel.ends;
  const noted: string[] = [];
  const sent = vi.spyOn(near, 'send');
  openLine(far, {
    double: async (value: number) => 2 * value,
    note: (value: string) => void noted.push(value),
    fail: () => {
      throw new WarderError('unavailable', 'Not now.', { internal: 'why', retryAfterSeconds: 3 });
    },
    break: () => {
      throw new TypeError('a secret of the inside');
    },
    never: () => new Promise(() => {}),
  });
  return { line: openLine<Asked>(near, {}), noted, sent };
}

test('each question has its own answer, and what is said in one turn shares a message', async () => {
  const { line, sent } = connected();
  const answers = Array.from({ length: 100 }, (_, i) => line.ask('double', i));
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i));
  expect(sent).toHaveBeenCalledTimes(1);
});

test('everything arrives in the order it was said', async () => {
  const { line, noted } = connected();
  for (const text of ['a', 'b']) line.tell('note', text);
  await line.ask('double', 1);
  line.tell('note', 'c');
  await line.ask('double', 1);
  expect(noted).toEqual(['a', 'b', 'c']);
});

test('an error crosses the line with its code and its two messages, any other as a fault', async () => {
  const { line } = connected();
  await expect(line.ask('fail', null)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'Not now.',
    facts: { internal: 'why', retryAfterSeconds: 3 },
  });
  const fault = await line.ask('break', null).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(WarderError);
  expect(fault).toMatchObject({ code: 'internal', message: 'Something went wrong.' });
});

test('what has no answer in its time, or when the line ends, is unavailable', async () => {
  const { line } = connected();
  await expect(line.ask('never', null, 1)).rejects.toMatchObject({ code: 'unavailable' });
  const waiting = line.ask('never', null);
  line.end();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect(line.ask('double', 1)).rejects.toMatchObject({ code: 'unavailable' });
});
