// What the verifier believes of its memory, as sure as it is that it heard of every change.

import { revokeKey } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { actAt } from '../../../tests/fixtures/domain.ts';
import {
  ASK,
  begun,
  codeOf,
  draw,
  verifierSetUp as setUp,
} from '../../../tests/fixtures/verifier.ts';

describe('where it is not certain that every change was heard', () => {
  const known = async () => {
    const all = setUp();
    const secret = draw();
    const candidate = all.put(secret);
    expect(await codeOf(all.verifier.verify(secret, ASK))).toBe('valid');
    all.store.reads = 0;
    return { ...all, secret, candidate };
  };

  it('a store that cannot be read is stood in for by memory until the stale limit, then by no verdict', async () => {
    const { verifier, store, secret } = await known();
    store.broken = true;
    for (const age of [51, 2_001, 5_000]) {
      store.age = age;
      expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
    }
    expect(store.reads).toBe(3);
    for (const age of [5_001, Number.POSITIVE_INFINITY]) {
      store.age = age;
      await expect(verifier.verify(secret, ASK)).rejects.toMatchObject({ code: 'unavailable' });
    }
    store.age = 0;
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('valid');
  });

  it('a key that is not in memory has no verdict, and is never not found', async () => {
    const { verifier, store, put } = setUp();
    const secret = draw();
    put(secret);
    Object.assign(store, { broken: true, age: 51 });
    await expect(verifier.verify(secret, ASK)).rejects.toMatchObject({ code: 'unavailable' });
    store.broken = false;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
  });

  it('what is read then is what is known from then on', async () => {
    const { verifier, store, stored, secret, candidate } = await known();
    const key = revokeKey(candidate.key, null, actAt())?.key ?? candidate.key;
    stored.forEach((_, digest) => {
      stored.set(digest, { ...candidate, key });
    });
    store.age = 51;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('revoked');
    store.broken = true;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('revoked');
    store.age = 0;
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('revoked');
  });

  it('a read answers those who came before it was sent, and one more all who came later', async () => {
    const { verifier, store, stored, secret, candidate, letGo } = await known();
    store.age = Number.POSITIVE_INFINITY;
    store.slow = true;
    const before = codeOf(verifier.verify(secret, ASK));
    await begun();
    const key = revokeKey(candidate.key, null, actAt())?.key ?? candidate.key;
    stored.forEach((_, digest) => {
      stored.set(digest, { ...candidate, key });
    });
    const after = Array.from({ length: 20 }, () => codeOf(verifier.verify(secret, ASK)));
    await begun();
    expect(store.reads).toBe(1);
    letGo();
    expect(await before).toBe('valid');
    await begun();
    letGo();
    expect(new Set(await Promise.all(after))).toEqual(new Set(['revoked']));
    expect(store.reads).toBe(2);
  });

  it('a read that takes long is not waited for while memory may answer, and then for as long as it takes', async () => {
    const { verifier, store, secret, letGo, elapse } = await known();
    Object.assign(store, { age: 5_000, slow: true });
    const soon = codeOf(verifier.verify(secret, ASK));
    await begun();
    elapse();
    expect(await soon).toBe('valid');
    store.age = 5_001;
    const late = codeOf(verifier.verify(secret, ASK));
    await begun();
    elapse();
    letGo();
    await begun();
    letGo();
    expect(await late).toBe('valid');
    expect(store.reads).toBe(2);
  });

  it('an older read that ends last neither replaces a newer one nor is answered', async () => {
    const { verifier, store, stored, secret, candidate, hear } = await known();
    const key = revokeKey(candidate.key, null, actAt())?.key ?? candidate.key;
    stored.forEach((_, digest) => {
      stored.set(digest, { ...candidate, key });
    });
    hear({ type: 'everything' });
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('revoked');
    // As a server does that has not got so far.
    stored.forEach((_, digest) => {
      stored.set(digest, candidate);
    });
    store.age = 51;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('revoked');
    store.age = 0;
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('revoked');
  });
});

it('what is heard of is read again, the rest is not, and a read from before it is not kept', async () => {
  const { verifier, store, put, hear, stored, letGo } = setUp();
  const [one, two] = [draw(), draw()];
  const candidate = put(one);
  put(two);
  for (const secret of [one, two]) await verifier.verify(secret, ASK);
  const { owner, workspace } = candidate;
  expect(store.reads).toBe(2);
  hear({ type: 'key', id: candidate.key.id });
  hear({ type: 'member', id: candidate.key.id });
  expect(verifier.verifyCached(two, ASK)?.code).toBe('valid');
  expect(verifier.verifyCached(one, ASK)).toBeNull();
  for (const change of [
    { type: 'owner', id: owner.id },
    { type: 'workspace', id: workspace.id },
    { type: 'everything' },
  ] as const) {
    expect(await codeOf(verifier.verify(one, ASK))).toBe('valid');
    hear(change);
    expect(verifier.verifyCached(one, ASK)).toBeNull();
  }
  store.slow = true;
  const before = codeOf(verifier.verify(one, ASK));
  await begun();
  const key = revokeKey(candidate.key, null, actAt())?.key ?? candidate.key;
  stored.forEach((_, digest) => {
    stored.set(digest, { ...candidate, key });
  });
  hear({ type: 'key', id: key.id });
  letGo();
  await before;
  expect(verifier.verifyCached(one, ASK)).toBeNull();
});
