import { revokeKey } from '@warder/core';
import { expect, it } from 'vitest';
import { actAt } from '../../../tests/fixtures/domain.ts';
import { ASK, begun, codeOf, draw, verifierSetUp } from '../../../tests/fixtures/verifier.ts';
import { createLimitMemory } from './limits/memory.ts';
import type { LimitStore } from './limits.ts';

it('a process that slept while it waited for windows believes nothing that it knew before', async () => {
  const memory = createLimitMemory();
  let wake = () => {};
  const slow: LimitStore = {
    ...memory,
    takeNow: () => null,
    async take(...given) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      return memory.take(...given);
    },
  };
  const { verifier, store, put } = verifierSetUp(slow);
  const secret = draw();
  const limit = { name: 'hour', limit: 5, windowSeconds: 3_600, override: null };
  const { key } = put(secret, { limits: [limit] });
  const first = codeOf(verifier.verify(secret, ASK));
  await begun();
  wake();
  expect(await first).toBe('valid');
  const verdict = codeOf(verifier.verify(secret, ASK));
  await begun();
  // Elsewhere, and never heard of here.
  put(secret, revokeKey(key, null, actAt())?.key);
  store.age = 60_000;
  wake();
  expect(await verdict).toBe('revoked');
});
