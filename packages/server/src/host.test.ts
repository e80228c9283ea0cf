import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW } from '../../../tests/fixtures/domain.ts';
import { createHost, type HostOptions } from './host.ts';

const secret = new Uint8Array(32).fill(7);
const pepper = (version: number) => ({ version, key: new Uint8Array(32).fill(version) });
const hostWith = (options: Partial<HostOptions> = {}) => createHost({ secret, ...options });
const sha256 = (text: string) => createHash('sha256').update(text).digest();

describe('a seal', () => {
  const host = hostWith();

  it('opens for its own label, place and installation, and for nothing else', () => {
    const sealed = host.seal('reply', 'place', 'text 🔑');
    expect(host.open('reply', 'place', sealed)).toBe('text 🔑');
    expect(hostWith().open('reply', 'place', sealed)).toBe('text 🔑');
    expect(host.open('cursor', 'place', sealed)).toBeNull();
    expect(host.open('reply', 'places', sealed)).toBeNull();
    expect(host.open('reply', '', sealed)).toBeNull();
    const another = createHost({ secret: new Uint8Array(32).fill(8) });
    expect(another.open('reply', 'place', sealed)).toBeNull();
  });

  it('says nothing of its text, and never the same twice', () => {
    const [one, two] = [host.seal('reply', 'a', 'text'), host.seal('reply', 'a', 'text')];
    expect(one).not.toBe(two);
    expect(Buffer.from(one, 'base64url').includes('text')).toBe(false);
  });

  it('does not open once a single character is changed, cut or added', () => {
    const sealed = host.seal('cursor', 'list', '1 id');
    for (let i = 0; i < sealed.length; i++) {
      const changed = `${sealed.slice(0, i)}${sealed[i] === 'A' ? 'B' : 'A'}${sealed.slice(i + 1)}`;
      expect(host.open('cursor', 'list', changed)).toBeNull();
      expect(host.open('cursor', 'list', sealed.slice(0, i))).toBeNull();
    }
    for (const other of [`${sealed}=`, `${sealed}A`, ` ${sealed}`, `${sealed}\n`]) {
      expect(host.open('cursor', 'list', other)).toBeNull();
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(host.open('cursor', 'list', text)).toBeNull();
      }),
    );
  });
});

describe('a digest', () => {
  it('without a pepper is SHA-256', () => {
    const digest = { hex: sha256('text').toString('hex'), pepperVersion: 0 };
    expect(hostWith().digest('text')).toEqual(digest);
    expect(hostWith().digests('text')).toEqual([digest]);
  });

  it('of a new key has the newest pepper in it; older ones, and none, are still looked for', () => {
    const host = hostWith({ peppers: [pepper(1), pepper(3), pepper(2)] });
    const peppered = (version: number) => ({
      hex: createHmac('sha256', pepper(version).key).update(sha256('text')).digest('hex'),
      pepperVersion: version,
    });
    expect(host.digest('text')).toEqual(peppered(3));
    expect(host.digests('text')).toEqual([
      peppered(3),
      peppered(2),
      peppered(1),
      { hex: sha256('text').toString('hex'), pepperVersion: 0 },
    ]);
  });
});

describe('what is derived of the secret', () => {
  it('differs by its use, and by the secret', () => {
    const of = (host: ReturnType<typeof createHost>) => [
      host.mac('idempotency', 'warder check v1'),
      ...host.checks.map(({ value }) => value),
    ];
    const all = [
      ...of(hostWith({ peppers: [pepper(1)] })),
      ...of(createHost({ secret: new Uint8Array(32).fill(9), peppers: [pepper(2)] })),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((value) => /^[0-9a-f]{64}$/.test(value))).toBe(true);
    expect(of(hostWith())).toEqual(of(hostWith()));
  });

  it('a check names secret and peppers, and holds nothing of either', () => {
    const { checks } = hostWith({ peppers: [pepper(1), pepper(2)] });
    expect(checks.map(({ name }) => name)).toEqual(['secret', 'pepper 2', 'pepper 1']);
    const clear = [secret, pepper(1).key, pepper(2).key].map((key) =>
      Buffer.from(key).toString('hex'),
    );
    for (const { value } of checks) expect(clear).not.toContain(value);
  });
});

it('ids of one process sort as they were made, also in one millisecond and when the clock goes back', () => {
  const host = hostWith();
  const moments = [
    ...Array.from({ length: 10_000 }, () => NOW),
    NOW - 5_000,
    NOW - 1,
    NOW + 1,
    ...Array.from({ length: 100 }, (_, i) => NOW + i),
  ];
  const ids = moments.map((at) => host.newId(at));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
