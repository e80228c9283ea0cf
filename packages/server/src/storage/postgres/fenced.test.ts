// The connection of reads that prove themselves, without a server.

import { expect, test } from 'vitest';
import type { Connection } from './connection.ts';
import { openFenced } from './fenced.ts';

test('a connection that cannot be made ready is given up: none is left open by who asks again', async () => {
  let open = 0;
  const fenced = openFenced(
    async (): Promise<Connection> => {
      open++;
      return {
        run: () => Promise.reject(Object.assign(new Error('no'), { code: '42501', severity: 'E' })),
        script: async () => {},
        alive: true,
        destroy: () => {
          open--;
        },
        lost: new Promise(() => {}),
      };
    },
    'a fence',
    1_000,
  );
  for (let i = 0; i < 3; i++) {
    await expect(fenced.read({ sql: 'SELECT 1', parameters: [] })).rejects.toThrow();
  }
  expect(open).toBe(0);
});
