// UUIDv7, the public ids of everything, and the one integer that an id is in the
// order of creation.

/** Each byte as two hex digits. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** UUIDv7 (RFC 9562): sorts by the millisecond it was made in. @param random 10 bytes; of two of them six bits count */
export function uuid7(at: number, random: Uint8Array): string {
  const time = Math.max(0, Math.floor(at)).toString(16).padStart(12, '0');
  const hex = (i: number, mask = 0xff, set = 0) => HEX[((random[i] ?? 0) & mask) | set] ?? '';
  const randA = hex(0, 0x0f, 0x70) + hex(1);
  const randB = `${hex(2, 0x3f, 0x80)}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-${randA}-${randB}`;
}

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** A position is less: a signed 64-bit integer holds it until the year 2248. */
const POSITIONS = 1n << 63n;

/**
 * Where an id stands in the order of creation: its millisecond, its `rand_a` and the first
 * eight bits of its `rand_b`, as one integer below 2^63. Of two ids the one that sorts later
 * never has the lesser position, and two of one process never have the same.
 * @returns -1 for a text that is no such id: nothing stands there
 */
export function positionOf(id: string): bigint {
  if (!UUID7.test(id)) return -1n;
  const hex = id.replaceAll('-', '');
  const time = BigInt(`0x${hex.slice(0, 12)}`);
  const randA = BigInt(`0x${hex.slice(13, 16)}`);
  const randB = (BigInt(`0x${hex.slice(16, 19)}`) >> 2n) & 0xffn;
  const position = (time << 20n) | (randA << 8n) | randB;
  return position < POSITIONS ? position : -1n;
}

/** The first position of a millisecond. */
export function positionAt(at: number): bigint {
  const position = BigInt(Math.max(0, Math.floor(at))) << 20n;
  return position < POSITIONS ? position : POSITIONS - 1n;
}
