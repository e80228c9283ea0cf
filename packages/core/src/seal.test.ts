// What a seal covers, and what walking a chain finds.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { handHost, runs } from '../../../tests/fixtures/domain.ts';
import { auditChain } from './audit.ts';
import {
  baseSeal,
  type Chain,
  type Evidence,
  type Link,
  type SealedEvidence,
  START,
  sealBehind,
} from './seal.ts';

const host = handHost();
const text = fc.oneof(fc.constant(null), fc.string({ maxLength: 8 }));
const event: fc.Arbitrary<Evidence> = fc.record({
  id: fc.string(),
  workspaceId: fc.constant('w'),
  type: fc.string(),
  createdAt: fc.nat(),
  actorType: fc.string(),
  actorId: fc.string(),
  requestId: text,
  sharedCredential: text,
  subjectType: fc.string(),
  subjectId: fc.string(),
  ownerId: text,
  formerOwnerId: text,
  actorOwnerId: text,
  before: text,
  after: text,
  address: text,
});

function sealed(events: readonly Evidence[]): { chain: Chain; events: SealedEvidence[] } {
  let last: Link = START;
  const done = events.map((one) => {
    const seal = sealBehind(last, one, host);
    last = seal;
    return { ...one, ...seal };
  });
  const { number, mac } = last;
  return { chain: { name: 'w', head: { number, mac }, base: null, logged: 0 }, events: done };
}

const parts = { host, erasedOwners: new Set<string>(), noted: [] };

test('a chain holds as it was sealed', () => {
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const made = sealed(events);
      const report = auditChain(made.chain, made.events, parts);
      expect(report).toMatchObject({ fault: null, events: events.length, erased: 0 });
    }),
    { numRuns: runs(50, 2_000) },
  );
});

test('no fact of any event can be changed, and no event taken out, doubled or moved, unseen', () => {
  const tampering = fc.record({
    events: fc.array(event, { minLength: 1, maxLength: 6 }),
    at: fc.nat(),
    fact: fc.nat(),
    how: fc.constantFrom('edit', 'remove', 'double', 'swap'),
  });
  fc.assert(
    fc.property(tampering, ({ events, at, fact, how }) => {
      const made = sealed(events);
      const all = [...made.events];
      const place = at % all.length;
      const one = all[place];
      if (!one) throw new Error('unreachable');
      const names = Object.keys(one) as (keyof SealedEvidence)[];
      const name = names[fact % names.length] ?? 'id';
      if (how === 'edit') {
        const value = typeof one[name] === 'number' ? Number(one[name]) + 1 : `${one[name]}+`;
        all[place] = { ...one, [name]: value };
      } else if (how === 'remove') all.splice(place, 1);
      else if (how === 'double') all.splice(place, 0, one);
      else all.push(...all.splice(place, 1));
      if (how === 'swap' && place === all.length - 1) return;
      expect(auditChain(made.chain, all, parts).fault, `${how} ${name}`).not.toBeNull();
    }),
    { numRuns: runs(300, 20_000) },
  );
});

test('what is personal can be removed for an owner who was erased, and for nobody else', () => {
  const facts = fc.sample(event, 1)[0];
  if (!facts) throw new Error('unreachable');
  const personal = { before: null, after: 'a', address: 'b', ownerId: 'o', actorOwnerId: 'p' };
  const { chain, events } = sealed([{ ...facts, ...personal, formerOwnerId: null }]);
  const [one] = events;
  if (!one) throw new Error('unreachable');
  const payload = { ...one, after: null, payloadSalt: null };
  const address = { ...one, address: null, addressSalt: null };
  const fault = (event: SealedEvidence, ...erased: string[]) =>
    auditChain(chain, [event], { ...parts, erasedOwners: new Set(erased) }).fault?.what ?? null;
  expect(fault(payload, 'o')).toBeNull();
  expect(fault(address, 'p')).toBeNull();
  expect(fault(payload, 'p')).toMatch(/personal data was removed/);
  expect(fault(address, 'o')).toMatch(/personal data was removed/);
  expect(fault({ ...one, after: null }, 'o')).toMatch(/payload/);
  expect(fault({ ...payload, after: 'other' }, 'o')).toMatch(/payload/);
});

test('a salt is drawn for each event and for payload and address apart, and none for nothing', () => {
  const [facts] = fc.sample(event, 1);
  if (!facts) throw new Error('unreachable');
  const one = { ...facts, before: 'x', address: 'y' };
  const seals = [sealBehind(START, one, host), sealBehind(START, one, host)];
  const drawn = seals.flatMap(({ payloadSalt, addressSalt }) => [payloadSalt, addressSalt]);
  expect(new Set(drawn).size).toBe(4);
  const bare = sealBehind(START, { ...one, before: null, after: null, address: null }, host);
  expect(bare).toMatchObject({ payloadSalt: null, payloadDigest: null, addressDigest: null });
});

test('a pruned beginning counts only with its seal', () => {
  const { chain, events } = sealed(fc.sample(event, 5));
  const second = events[1];
  if (!second) throw new Error('unreachable');
  const link = { number: second.number, mac: second.mac };
  const pruned = { ...chain, base: { ...link, seal: baseSeal('w', link, host) } };
  const rest = events.slice(2);
  expect(auditChain(pruned, rest, parts)).toMatchObject({ fault: null, base: 2, head: 5 });
  const forged = { ...chain, base: { ...link, seal: baseSeal('another', link, host) } };
  expect(auditChain(forged, rest, parts).fault?.what).toMatch(/not pruned by Warder/);
  expect(auditChain(pruned, events.slice(3), parts).fault?.what).toMatch(/missing/);
});

test('a MAC stands for all that came before it', () => {
  const [facts] = fc.sample(event, 1);
  if (!facts) throw new Error('unreachable');
  const bare = { ...facts, before: null, after: null, address: null };
  const behind = (mac: string) => sealBehind({ number: 3, mac }, bare, host).mac;
  expect(behind('a')).toBe(behind('a'));
  expect(behind('a')).not.toBe(behind('b'));
});
