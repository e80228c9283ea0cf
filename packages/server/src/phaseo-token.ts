// Phaseo's way to write a key, which both of its APIs share:
// `aistats_v1_sk_<kid>_<secret>`.

import type { TokenFormat } from '@warder/core';
import type { DialectOption } from './dialect.ts';

const KID_LENGTH = 12;
const SECRET_LENGTH = 40;

/** What a key made by either API carries as `format`. */
export const PHASEO_FORMAT = 'phaseo';

export const TOKEN_PREFIX: DialectOption = {
  default: 'aistats_v1_sk_',
  meaning: 'what its keys begin with',
  pattern: /^[a-z][a-z0-9_]{0,30}_$/,
};

/** @param prefix the text in front of the kid, `_` at its end */
export function phaseoFormat(prefix: string): TokenFormat {
  return {
    name: PHASEO_FORMAT,
    alphabet: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
    checksum: false,
    shown: { start: 8, end: 8 },
    lead: () => prefix,
    groups: () => [KID_LENGTH, SECRET_LENGTH],
  };
}

/** Whether a text may be a key: any with a prefix, and of those with Phaseo's own the ones with a kid and a secret. */
export function hasKeyForm(text: string, prefix: string): boolean {
  if (!text.startsWith(prefix)) return /^[A-Za-z][\w-]*_[\x21-\x7e]{16,}$/.test(text);
  const [kid = '', ...secret] = text.slice(prefix.length).split('_');
  return /^[A-Za-z0-9]{6,64}$/.test(kid) && secret.join('_') !== '';
}
