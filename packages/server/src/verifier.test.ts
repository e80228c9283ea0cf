import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Candidate, Change } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { NOW, ownerWith, runs, workspaceWith } from '../../../tests/fixtures/domain.ts';
import {
  ASK,
  begun,
  codeOf,
  draw,
  verifierSetUp as setUp,
} from '../../../tests/fixtures/verifier.ts';

describe('a verification', () => {
  it('reads once for a key, and not again', async () => {
    const { verifier, store, put, used } = setUp();
    const secret = draw();
    const { key } = put(secret);
    for (let i = 0; i < 5; i++) expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
    expect(verifier.verifyCached(`secret-token:${secret}`, ASK)).toMatchObject({
      valid: true,
      key,
    });
    expect(store.reads).toBe(1);
    expect(used).toEqual(Array(6).fill(key.id));
  });

  it('of a thousand at once for one key makes one read', async () => {
    const { verifier, store, put, letGo } = setUp();
    const secret = draw();
    put(secret);
    store.slow = true;
    const all = Array.from({ length: 1_000 }, () => codeOf(verifier.verify(secret, ASK)));
    await begun();
    letGo();
    expect(new Set(await Promise.all(all))).toEqual(new Set(['valid']));
    expect(store.reads).toBe(1);
  });

  it('after a revoke says so, also where a read from before it is still under way', async () => {
    const { verifier, store, put, revoke, letGo } = setUp();
    const secret = draw();
    const candidate = put(secret);
    store.slow = true;
    const before = codeOf(verifier.verify(secret, ASK));
    await begun();
    await revoke(secret, candidate);
    const after = codeOf(verifier.verify(secret, ASK));
    await begun();
    letGo();
    expect(await before).toBe('valid');
    expect(await after).toBe('revoked');
    expect(verifier.verifyCached(secret, ASK)?.code ?? 'nothing known').not.toBe('valid');
    store.slow = false;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('revoked');
  });

  it('follows every change of the key, its owner and its workspace at once', async () => {
    const { verifier, put, write } = setUp();
    const secret = draw();
    const candidate = put(secret);
    const { key } = candidate;
    const owner = ownerWith({ suspendedAt: NOW });
    const workspace = { ...workspaceWith(), suspendedAt: NOW };
    const steps: [Candidate, Change, string][] = [
      [
        { ...candidate, key: { ...key, enabled: false } },
        { type: 'update_key', key, was: 1 },
        'disabled',
      ],
      [candidate, { type: 'update_key', key, was: 2 }, 'valid'],
      [{ ...candidate, owner }, { type: 'update_owner', owner, was: 1 }, 'suspended'],
      [candidate, { type: 'update_owner', owner, was: 2 }, 'valid'],
      [{ ...candidate, workspace }, { type: 'update_workspace', workspace, was: 1 }, 'suspended'],
      [candidate, { type: 'update_workspace', workspace, was: 2 }, 'valid'],
    ];
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
    for (const [stored, change, code] of steps) {
      await write(secret, stored, change);
      expect(await codeOf(verifier.verify(secret, ASK))).toBe(code);
    }
  });

  it('judges what it remembers by the clock of the call', async () => {
    const { verifier, clock, put } = setUp();
    const secret = draw();
    put(secret, { expiresAt: NOW + 1_000 });
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
    clock.at = NOW + 999;
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('valid');
    clock.at = NOW + 1_000;
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('expired');
  });

  it('forgets everything when another process changed something', async () => {
    const { verifier, store, put, hear } = setUp();
    const secret = draw();
    put(secret);
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
    expect(await codeOf(verifier.verify(draw(), ASK))).toBe('not_found');
    hear({ type: 'everything' });
    expect(verifier.verifyCached(secret, ASK)).toBeNull();
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('valid');
    expect(store.reads).toBe(3);
  });

  it('trusts nothing in memory while it cannot know what other processes do', async () => {
    const { verifier, store, put } = setUp();
    const secret = draw();
    put(secret);
    store.age = 51;
    for (let i = 1; i <= 3; i++) {
      expect(verifier.verifyCached(secret, ASK)).toBeNull();
      expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
      expect(store.reads).toBe(i);
    }
    store.age = 50;
    expect(verifier.verifyCached(secret, ASK)?.code).toBe('valid');
  });
});

describe('a text that no key has', () => {
  it('costs one read in a second, and none where its checksum does not hold', async () => {
    const { verifier, clock, store } = setUp();
    const secret = draw();
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('not_found');
    clock.at += 999;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('not_found');
    expect(store.reads).toBe(1);
    clock.at += 1;
    await verifier.verify(secret, ASK);
    expect(store.reads).toBe(2);
    const slip = secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0');
    for (const text of [slip, '', 'x'.repeat(513), 'a b', 'ü'.repeat(20)]) {
      expect(await codeOf(verifier.verify(text, ASK))).toBe('malformed');
    }
    expect(store.reads).toBe(2);
  });

  it('is found the moment that a key has it', async () => {
    const { verifier, put, write } = setUp();
    const secret = draw();
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('not_found');
    const candidate = put(secret);
    const digest = { hex: '', pepperVersion: 0 };
    await write(secret, candidate, { type: 'insert_key', key: candidate.key, digest });
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
  });

  it('is not remembered from a read that began before the key was made', async () => {
    const { verifier, store, put, write, letGo } = setUp();
    const secret = draw();
    store.slow = true;
    const before = codeOf(verifier.verify(secret, ASK));
    await begun();
    const candidate = put(secret);
    const digest = { hex: '', pepperVersion: 0 };
    await write(secret, candidate, { type: 'insert_key', key: candidate.key, digest });
    letGo();
    expect(await before).toBe('not_found');
    store.slow = false;
    expect(await codeOf(verifier.verify(secret, ASK))).toBe('valid');
  });

  it('of very many, 64 are looked for at once, and a known key waits for none', async () => {
    const { verifier, store, put, letGo } = setUp();
    const known = draw();
    put(known);
    await verifier.verify(known, ASK);
    store.slow = true;
    const asked = Array.from({ length: 200 }, () => codeOf(verifier.verify(draw(), ASK)));
    await begun();
    expect(store.reads).toBe(1 + 64);
    expect(verifier.verifyCached(known, ASK)?.code).toBe('valid');
    store.slow = false;
    letGo();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['not_found']));
    expect(store.reads).toBe(1 + 200);
  });

  it('takes the place of no known key: any number of them leave the known keys known', async () => {
    const { verifier, clock, put, store } = setUp();
    const known = draw();
    put(known);
    await verifier.verify(known, ASK);
    const { reads } = store;
    for (let i = 0; i < 20_000; i++) await verifier.verify(`sk_${i}`, ASK);
    clock.at += 5;
    expect(verifier.verifyCached(known, ASK)?.code).toBe('valid');
    expect(store.reads).toBe(reads + 20_000);
  });
});

it('any number of unknown keys leaves the memory as it was', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const inUse = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const { verifier } = setUp();
  const ask = async (count: number) => {
    for (let i = 0; i < count; i++) await verifier.verify(draw(), ASK);
  };
  await ask(20_000);
  const before = inUse();
  await ask(runs(40_000, 10_000_000));
  expect(inUse() - before).toBeLessThan(4 * 1024 * 1024);
}, 600_000);

it('a store that cannot be read gives no verdict, but for the keys that are known', async () => {
  const { verifier, store, put } = setUp();
  const known = draw();
  put(known);
  await verifier.verify(known, ASK);
  store.broken = true;
  expect(await codeOf(verifier.verify(known, ASK))).toBe('valid');
  await expect(verifier.verify(draw(), ASK)).rejects.toMatchObject({ code: 'unavailable' });
  store.broken = false;
  expect(await codeOf(verifier.verify(draw(), ASK))).toBe('not_found');
});
