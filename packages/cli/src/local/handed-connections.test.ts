import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { endUntaken } from './handed-connections.ts';

function setUp() {
  const sent: unknown[] = [];
  const child = Object.assign(new EventEmitter(), {
    send: (...all: readonly unknown[]) => sent.push(all) > 0,
  });
  endUntaken(child as unknown as ChildProcess);
  const handed = () => {
    const handle = { closed: 0, close: () => void handle.closed++ };
    return handle;
  };
  return { child, sent, handed };
}

test('what a worker was handed and did not take is ended with it, and nothing else', () => {
  const { child, sent, handed } = setUp();
  const [taken, untaken, listener] = [handed(), handed(), handed()];
  child.send({ act: 'newconn' }, taken);
  child.send({ act: 'newconn' }, untaken);
  child.send({ act: 'listen' }, listener);
  child.send('said');
  expect(sent.length).toBe(4);
  taken.close();
  child.emit('exit', null, 'SIGKILL');
  expect([taken.closed, untaken.closed, listener.closed]).toEqual([1, 1, 0]);
});
