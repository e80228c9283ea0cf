// What every answer has around it, errors too.

import type { Answer, Telling } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';

export function metaOf({ requestId, now }: Telling) {
  return { request_id: requestId, timestamp: wholeSeconds(now) };
}

export function answer(data: unknown, telling: Telling, status = 200): Answer {
  return { status, body: { data, meta: metaOf(telling) } };
}
