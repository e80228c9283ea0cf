// Dreadnode's way to write a key: `dn_` and 40 characters.

import { BASE62, type TokenFormat } from '@warder/core';
import type { DialectOption } from '../../dialect.ts';

const LENGTH = 40;

/** What a key made here carries as `format`. */
export const DREADNODE_FORMAT = 'dreadnode';

export const TOKEN_PREFIX: DialectOption = {
  default: 'dn_',
  meaning: 'what its keys begin with',
  pattern: /^[a-z][a-z0-9_]{0,30}_$/,
};

/** @param prefix the text in front of the random part, `_` at its end */
export function dreadnodeFormat(prefix: string): TokenFormat {
  return {
    name: DREADNODE_FORMAT,
    alphabet: BASE62,
    checksum: false,
    shown: { start: 4, end: 4 },
    lead: () => prefix,
    groups: () => [LENGTH],
  };
}
