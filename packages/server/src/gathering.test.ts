import { WarderError } from '@warder/core';
import { expect, test } from 'vitest';
import { gather } from './gathering.ts';

/** Writes when it is told to, and keeps what it was handed. */
function slowWriter() {
  const handed: (readonly number[])[] = [];
  let go = () => {};
  let refuse = (_: unknown) => {};
  const write = (items: readonly number[]) =>
    new Promise<readonly number[]>((resolve, reject) => {
      handed.push(items);
      go = () => resolve(items.map((item) => item * 10));
      refuse = reject;
    });
  return { handed, write, go: () => go(), refuse: (error: unknown) => refuse(error) };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes while others are written is handed over at once, in its order and no more than so many', async () => {
  const { handed, write, go } = slowWriter();
  const put = gather(write, 3);
  const answers = Promise.all([1, 2, 3, 4, 5].map(put));
  for (let i = 0; i < 3; i++) {
    await turn();
    go();
  }
  expect(await answers).toEqual([10, 20, 30, 40, 50]);
  expect(handed).toEqual([[1], [2, 3, 4], [5]]);
});

test('a fault of one is its own: the others are written without it', async () => {
  const put = gather<number, number>(async (items) => {
    if (items.includes(3)) throw new Error('faulty');
    return items;
  }, 10);
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(put));
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
});

test('nothing is tried again of which nobody knows whether it was done', async () => {
  const { handed, write, go, refuse } = slowWriter();
  const put = gather(write, 10);
  const first = put(1);
  const others = Promise.allSettled([put(2), put(3)]);
  go();
  await first;
  await turn();
  refuse(new WarderError('unavailable', 'The store cannot be written now.'));
  expect((await others).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(handed).toEqual([[1], [2, 3]]);
});
