// OnePin's way to write a key: `op_live_` and 32 characters.

import { BASE62, type TokenFormat } from '@warder/core';
import type { DialectOption } from '../../dialect.ts';

const LENGTH = 32;

/** What a key made here carries as `format`. */
export const ONEPIN_FORMAT = 'onepin';

export const TOKEN_PREFIX: DialectOption = {
  default: 'op_live_',
  meaning: 'what its keys begin with',
  pattern: /^[a-z][a-z0-9_]{0,30}_$/,
};

/** @param prefix the text in front of the random part, `_` at its end */
export function onepinFormat(prefix: string): TokenFormat {
  return {
    name: ONEPIN_FORMAT,
    alphabet: BASE62,
    checksum: false,
    shown: { start: 0, end: 8 },
    lead: () => prefix,
    groups: () => [LENGTH],
  };
}
