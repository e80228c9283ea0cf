// UUIDv7, the public ids of everything.

/** UUIDv7 (RFC 9562): sorts by the millisecond it was made in. */
export function uuid7(at: number, random: Uint8Array): string {
  const time = Math.max(0, Math.floor(at)).toString(16).padStart(12, '0');
  const rest = Array.from(random.subarray(0, 10), (byte) => byte.toString(16).padStart(2, '0'));
  const hex = rest.join('');
  const variant = ((Number.parseInt(hex.charAt(3), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(8, 20)}`;
}
