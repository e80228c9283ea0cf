// How a token that is not good is refused.

import { WarderError } from '@warder/core';

/** @param internal what the log has besides */
export function badToken(message: string, internal: string = message): WarderError {
  return new WarderError('unauthenticated', message, { internal, refusal: 'bad_token' });
}
