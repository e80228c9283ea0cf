// The envelope of every success, and what a page tells of itself in it.

import type { Page } from '@warder/core';
import type { Answer } from '../../dialect.ts';

export function enveloped(status: number, result: unknown, meta: object | null = null): Answer {
  return { status, body: { result, success: true, suggestion: '', message: '', meta } };
}

/** Of a page by cursors. A page may be short, so what tells that there is more is the cursor. */
export function cursorsOf({ next, prev }: Page<unknown>) {
  return {
    total: null,
    offset: null,
    limit: null,
    has_more: next !== null,
    after: next,
    before: prev,
  };
}

/** Of a page by the deprecated offset. */
export function offsetOf({ total }: Page<unknown>, offset: number, limit: number) {
  return {
    total: total?.count ?? null,
    offset,
    limit,
    has_more: null,
    after: null,
    before: null,
  };
}
