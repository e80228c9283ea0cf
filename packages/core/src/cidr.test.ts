import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs, seededBytes } from '../../../tests/fixtures/domain.ts';
import {
  type Address,
  addressText,
  contains,
  type Network,
  parseAddress,
  parseNetwork,
} from './cidr.ts';

const random = seededBytes();
const pick = (below: number) => {
  const [high = 0, low = 0] = random(2);
  return ((high << 8) | low) % below;
};

/** An address as its bytes: four of IPv4, or sixteen of IPv6, some of them IPv4-mapped. */
type Bytes = number[];
const version = (bytes: Bytes) => (bytes.length === 4 ? 'ipv4' : 'ipv6');
const mapped = (bytes: Bytes): Bytes => [...Array<number>(10).fill(0), 255, 255, ...bytes];

function drawBytes(): Bytes {
  const four = [...random(4)];
  return (
    [four, mapped(four), [...random(16)], [...Array<number>(12).fill(0), ...four]][pick(4)] ?? four
  );
}

/** Some of its bits turned, so that many pairs are near the edge of a network. */
function near(bytes: Bytes): Bytes {
  const turned = [...bytes];
  const bit = pick(bytes.length * 8);
  turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return turned;
}

function written(bytes: Bytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  const full = groups.join(':');
  const dotted = `${groups.slice(0, 6).join(':')}:${bytes.slice(12).join('.')}`;
  const short = full.replace(/(^|:)0(:0)+(:|$)/, '::');
  return [full, full.toUpperCase(), dotted, short][pick(4)] ?? full;
}

function read<Result>(what: Result | null, text: string): Result {
  return what ?? expect.fail(`${text} is not read`);
}

describe('a network contains an address', () => {
  it("exactly when Node's own BlockList says so, in IPv4, IPv6 and mapped", () => {
    const held = { true: 0, false: 0 };
    const count = runs(50_000, 1_000_000);
    // A few addresses to each network: making a BlockList is what takes time.
    for (let i = 0; i < count; ) {
      const base = drawBytes();
      const bits = pick(base.length * 8 + 1);
      const list = new BlockList();
      list.addSubnet(written(base), bits, version(base));
      const cidr = `${written(base)}/${bits}`;
      const network: Network = read(parseNetwork(cidr), cidr);
      for (let j = 0; j < 8; j++, i++) {
        const other = j < 2 ? drawBytes() : near(base);
        const form = other.length === 4 && j % 2 ? mapped(other) : other;
        const text = written(form);
        const address: Address = read(parseAddress(text), text);
        const expected = list.check(text, version(form));
        held[`${expected}`]++;
        if (contains(network, address) !== expected) {
          expect.fail(`${cidr} ${expected ? 'contains' : 'does not contain'} ${text}`);
        }
      }
    }
    // Both answers are common, or the comparison says little.
    expect(Math.min(held.true, held.false)).toBeGreaterThan(count / 10);
  });

  it.each([
    ['0.0.0.0/0', '255.1.2.3', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '1.2.3.4', true],
    ['10.0.0.0/8', '::ffff:10.2.3.4', true],
    ['::ffff:10.0.0.0/104', '10.2.3.4', true],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1/32', '192.0.2.2', false],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8::/33', '2001:db8:7fff::', true],
    ['::1', '0.0.0.1', false],
  ])('%s, %s: %s', (network, address, expected) => {
    expect(
      contains(read(parseNetwork(network), network), read(parseAddress(address), address)),
    ).toBe(expected);
  });
});

describe('an address is read', () => {
  const piece = fc.constantFrom(
    '0',
    '1',
    'ffff',
    'FF',
    '00001',
    '12345',
    'g',
    ':',
    '::',
    '.',
    '1.2.3.4',
    '256',
    '01',
    '%',
    '/',
    ' ',
    '-1',
    '',
  );
  const assembled = fc.array(piece, { maxLength: 12 }).map((all) => all.join(''));
  const groups = fc
    .array(fc.constantFrom('0', '1', 'abcd', '', '1.2.3.4'), { minLength: 2, maxLength: 9 })
    .map((all) => all.join(':'));

  it("exactly when Node's isIP says it is one, but for zone ids, which are refused", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), assembled, groups, fc.string()), (text) => {
        expect(parseAddress(text) !== null).toBe(isIP(text) !== 0 && !text.includes('%'));
      }),
      { numRuns: runs(5_000, 500_000) },
    );
    for (let i = 0; i < 1_000; i++) {
      const text = written(drawBytes());
      expect([text, isIP(text) !== 0, parseAddress(text) !== null]).toEqual([text, true, true]);
    }
  });

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '0x1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '１.2.3.4',
    '1.2.3.4:80',
    '[::1]',
    '::1%eth0',
    'fe80::1%25',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    '::g',
    '1.2.3.4::',
    '::1.2.3.4:1',
    'localhost',
    '1.2.3.4/32',
    '\0',
  ])('not from %j', (text) => expect(parseAddress(text)).toBeNull());

  it('the same from every way to write it', () => {
    const same = ['::ffff:192.0.2.1', '::FFFF:c000:0201', '0:0:0:0:0:ffff:c000:201', '192.0.2.1'];
    expect(new Set(same.map((text) => String(parseAddress(text)))).size).toBe(1);
    expect(parseAddress('::')).toEqual([0, 0, 0, 0]);
    expect(parseAddress('1::')).toEqual([0x10000, 0, 0, 0]);
    expect(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).toEqual(
      Array(4).fill(0xffffffff),
    );
  });

  it('in no time from 100 KB', () => {
    const began = performance.now();
    for (const piece of [':', '::', '1:', '1.', '0', 'a:b.']) {
      parseNetwork(piece.repeat(100_000 / piece.length));
    }
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('a network is read', () => {
  it.each([
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '10.0.0.0/8/8',
    '10.0.0.0/8 ',
    '10.0.0.0/1e1',
    '10.0.0/8',
    '10.0.0.0/255.0.0.0',
    '*',
    '10.*',
    '10.0.0.0-10.0.0.9',
  ])('not from %j', (text) => expect(parseNetwork(text)).toBeNull());

  it('with its length counted in the IPv6 it is mapped into', () => {
    expect(parseNetwork('10.0.0.0/8')).toEqual({ address: [0, 0, 0xffff, 0x0a000000], bits: 104 });
    expect(parseNetwork('::/0')).toEqual({ address: [0, 0, 0, 0], bits: 0 });
    expect(parseNetwork('::1')?.bits).toBe(128);
  });
});

describe('an address is written', () => {
  it('as IPv4 where it is one, and otherwise as RFC 5952 has it', () => {
    for (const text of ['192.0.2.1', '0.0.0.0', '255.255.255.255', '::', '::1', '2001:db8::1']) {
      expect(addressText(parseAddress(text) ?? expect.fail(text))).toBe(text);
    }
    expect(addressText(parseAddress('::FFFF:192.0.2.1') ?? expect.fail())).toBe('192.0.2.1');
  });

  it('so that it is read as the same one, and as others write it', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const word = (i: number) => (((groups[i] ?? 0) << 16) | (groups[i + 1] ?? 0)) >>> 0;
        const address: Address = [word(0), word(2), word(4), word(6)];
        const text = addressText(address);
        expect(parseAddress(text)).toEqual(address);
        if (text.includes('.')) return;
        expect(`[${text}]`).toBe(new URL(`http://[${text}]`).hostname);
      }),
      { numRuns: runs(500, 20_000) },
    );
  });
});
