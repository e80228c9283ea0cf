// Addresses and networks. An IPv4 address is its IPv4-mapped IPv6 address
// (RFC 4291, 2.5.5.2), so `::ffff:192.0.2.1` and `192.0.2.1` are one address
// and a rule for either matches both.

/** An address as four 32-bit words, IPv4 mapped into IPv6. */
export type Address = readonly [number, number, number, number];

export interface Network {
  readonly address: Address;
  /** Leading bits that count, 0..128; an IPv4 network's own length plus 96. */
  readonly bits: number;
}

const MAPPED = 0xffff;
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Reads an address; null for anything else: leading zeros, zone ids, ports and short forms of IPv4 are refused. */
export function parseAddress(text: string): Address | null {
  if (!text.includes(':')) {
    const word = parseIpv4(text);
    return word === null ? null : [0, 0, MAPPED, word];
  }
  return parseIpv6(text);
}

/** An address as it is written: IPv4 where it is one, else as RFC 5952 has it. */
export function addressText(address: Address): string {
  const [a, b, c, d] = address;
  if (a === 0 && b === 0 && c === MAPPED) {
    return [d >>> 24, (d >>> 16) & 0xff, (d >>> 8) & 0xff, d & 0xff].join('.');
  }
  const hex = address.flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]);
  // The longest run of zeros, the first of equal ones, and never a single one.
  const [run] = Array.from(hex.join(':').matchAll(/\b0(?::0)+\b/g), ([found]) => found).sort(
    (one, two) => two.length - one.length,
  );
  return run === undefined ? hex.join(':') : shortened(hex.join(':'), run);
}

function shortened(text: string, run: string): string {
  const at = new RegExp(`(?:^|:)${run}(?::|$)`).exec(text);
  return at === null ? text : `${text.slice(0, at.index)}::${text.slice(at.index + at[0].length)}`;
}

/** Reads `address/bits`, or an address alone as the network of just itself. Bits set past the length are ignored. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  if (slash < 0) return { address, bits: 128 };
  const written = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(written)) return null;
  const bits = Number(written) + (text.includes(':') ? 0 : 96);
  return bits <= 128 ? { address, bits } : null;
}

/** What stands for whoever is at an address: the address itself, of IPv6 its first 64 bits. */
export function holderOf([a, b, c, d]: Address): string {
  const ipv4 = a === 0 && b === 0 && c === MAPPED;
  return ipv4 ? `${d}` : `${a}:${b}`;
}

export function contains(network: Network, address: Address): boolean {
  for (let word = 0, left = network.bits; left > 0; word++, left -= 32) {
    const mask = left >= 32 ? -1 : -1 << (32 - left);
    if ((((network.address[word] ?? 0) ^ (address[word] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

function parseIpv4(text: string): number | null {
  const parts = IPV4.exec(text)?.slice(1);
  if (!parts) return null;
  let word = 0;
  for (const part of parts) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return null;
    word = word * 256 + Number(part);
  }
  return word;
}

function parseIpv6(text: string): Address | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = [
    groups(halves[0] ?? '', halves.length === 1),
    groups(halves[1] ?? '', true),
  ];
  if (head === null || tail === null) return null;
  const gap = 8 - head.length - tail.length;
  if (halves.length === 1 ? gap !== 0 : gap < 1) return null;
  const all = [...head, ...Array<number>(gap).fill(0), ...tail];
  const word = (i: number) => (((all[i] ?? 0) << 16) | (all[i + 1] ?? 0)) >>> 0;
  return [word(0), word(2), word(4), word(6)];
}

// The last group of an address may be written as IPv4, which fills two.
function groups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const result: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      result.push(Number.parseInt(part, 16));
      continue;
    }
    const word = last && i === parts.length - 1 ? parseIpv4(part) : null;
    if (word === null) return null;
    result.push(word >>> 16, word & 0xffff);
  }
  return result;
}
