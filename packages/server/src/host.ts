// Clock, randomness and cryptography for the core. One secret of 32 bytes stands
// behind an installation; every other key is derived from it by HKDF (RFC 5869)
// with a label and a version. The pepper is a secret of its own.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import {
  type Digest,
  type Host,
  type MacLabel,
  type SealLabel,
  type SecretCheck,
  uuid7,
} from '@warder/core';

/** A key mixed into every stored digest, so that a copy of the database alone proves nothing. */
export interface Pepper {
  /** 1 or more; the highest is used for new keys, the others still find older ones. */
  readonly version: number;
  readonly key: Uint8Array;
}

export interface HostOptions {
  /** The installation's secret: 32 bytes. */
  readonly secret: Uint8Array;
  readonly peppers?: readonly Pepper[];
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
}

export interface ServerHost extends Host {
  /** SHA-256 of a secret as 32 characters of one byte each: what a process knows it by, never what is stored. */
  fingerprint(secret: string): string;
  /** Every digest a secret may be stored under, the likeliest first: one for each pepper, and the plain one. */
  digests(secret: string): readonly Digest[];
  /** A digest that only this installation can make, as 64 hex digits. */
  mac(label: 'idempotency' | 'identifier', text: string): string;
  /** Whether two texts are the same, in a time that tells nothing of them. */
  same(one: string, other: string): boolean;
  /** What the store keeps to know secret and peppers again. */
  readonly checks: readonly SecretCheck[];
}

const SEAL_VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function createHost({ secret, peppers = [], now = Date.now }: HostOptions): ServerHost {
  const newestFirst = [...peppers].sort((a, b) => b.version - a.version);
  const derive = (label: string, salt = '') =>
    Buffer.from(hkdfSync('sha256', secret, salt, `warder ${label} v1`, 32));
  const textKeys = { idempotency: derive('idempotency'), identifier: derive('identifier') };
  const macKeys = { 'event seal': derive('event seal'), 'event base': derive('event base') };

  const digests = (text: string): readonly Digest[] => {
    const plain = hash('sha256', text, 'buffer');
    const peppered = newestFirst.map(({ version, key }) => ({
      hex: createHmac('sha256', key).update(plain).digest('hex'),
      pepperVersion: version,
    }));
    return [...peppered, { hex: plain.toString('hex'), pepperVersion: 0 }];
  };

  return {
    now,
    random: randomBytes,
    newId: monotonicIds(),
    fingerprint: (text) => hash('sha256', text, 'binary'),
    digests,
    digest(text) {
      const [newest] = digests(text);
      if (newest === undefined) throw new Error('a digest list is never empty');
      return newest;
    },
    seal(label: SealLabel, binding, text) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', derive(label, binding), iv);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const version = Buffer.of(SEAL_VERSION);
      return Buffer.concat([version, iv, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(label: SealLabel, binding, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      const canonical = bytes.toString('base64url') === sealed;
      if (!canonical || bytes.length < 1 + IV_BYTES + TAG_BYTES || bytes[0] !== SEAL_VERSION) {
        return null;
      }
      const iv = bytes.subarray(1, 1 + IV_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', derive(label, binding), iv);
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const body = bytes.subarray(1 + IV_BYTES, -TAG_BYTES);
      try {
        return decipher.update(body, undefined, 'utf8') + decipher.final('utf8');
      } catch {
        return null;
      }
    },
    hash: (text) => hash('sha256', text, 'base64url'),
    authenticate: (label: MacLabel, text) =>
      createHmac('sha256', macKeys[label]).update(text).digest('base64url'),
    mac: (label, text) => createHmac('sha256', textKeys[label]).update(text).digest('hex'),
    same: (one, other) =>
      timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer')),
    checks: [
      { name: 'secret', value: derive('check').toString('hex') },
      ...newestFirst.map(({ version, key }) => ({
        name: `pepper ${version}`,
        value: createHmac('sha256', key).update('warder check v1').digest('hex'),
      })),
    ],
  };
}

/** Drawn at once, since each request has an id and each draw has its price. */
const IDS_A_DRAW = 400;
const ID_BYTES = 10;

// RFC 9562, 6.2, method 1: a 12-bit counter behind the millisecond keeps the
// ids of one process in order, also when the clock stands still or goes back.
function monotonicIds(): Host['newId'] {
  let last = 0;
  let counter = 0;
  let drawn = Buffer.alloc(0);
  let taken = 0;
  return (at) => {
    if (taken === drawn.length) {
      drawn = randomBytes(IDS_A_DRAW * ID_BYTES);
      taken = 0;
    }
    const bytes = drawn.subarray(taken, taken + ID_BYTES);
    taken += ID_BYTES;
    if (at > last) {
      last = at;
      counter = bytes.readUInt16BE(0) & 0x7ff;
    } else if (++counter > 0xfff) {
      last++;
      counter = 0;
    }
    bytes.writeUInt16BE(counter, 0);
    return uuid7(last, bytes);
  };
}
