// Cobo publishes no format of its keys, so this one is Warder's own: `caw_` and 40
// random characters, the first 8 of them shown.

import { BASE62, type TokenFormat } from '@warder/core';
import type { DialectOption } from '../../dialect.ts';

const RANDOM_LENGTH = 40;

/** What a key made by this API carries as `format`. */
export const COBO_FORMAT = 'cobo';

export const TOKEN_PREFIX: DialectOption = {
  default: 'caw_',
  meaning: 'what its keys begin with',
  pattern: /^[a-z][a-z0-9_]{0,30}_$/,
};

/** @param prefix the text in front of the random part, `_` at its end */
export function coboFormat(prefix: string): TokenFormat {
  return {
    name: COBO_FORMAT,
    alphabet: BASE62,
    checksum: false,
    shown: { start: 8, end: 8 },
    lead: () => prefix,
    groups: () => [RANDOM_LENGTH],
  };
}
