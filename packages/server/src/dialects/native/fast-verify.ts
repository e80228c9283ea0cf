// The verify call in its plainest form, answered from memory: a key, and scopes
// perhaps, in JSON without anything that could be read in two ways. Any other request,
// and any that is refused, is the table's.

import { askOf, describeFigure, type Verdict } from '@warder/core';
import type { Dialect, Fast, FastRequest, FastRoute } from '../../dialect.ts';
import { verdictBody } from './verdicts.ts';

const MOST_BYTES = 4_096;

export function fastVerify(
  credential: Dialect['credential'],
  admits: Dialect['admits'],
): FastRoute {
  const answer = ({ method, target, headers, body, origin }: FastRequest, fast: Fast) => {
    if (method !== 'POST' || target !== '/v1/keys/verify' || body.length > MOST_BYTES) return null;
    if (headers['content-type'] !== 'application/json' || headers['content-encoding']) return null;
    const request = plain(body);
    const presented = request && credential(headers);
    const signedIn = presented && fast.signIn(presented, admits, origin);
    const verdict = signedIn && fast.verify(request.key, askOf(signedIn.caller, request));
    if (!verdict) return null;
    signedIn.count();
    return textOf(verdict);
  };
  return { operationId: 'verifyKey', answer };
}

interface Plain {
  readonly key: string;
  readonly scopes?: readonly string[];
}

/** As most clients write it: a key and nothing else, without a space. */
const KEY_ALONE = /^\{"key":"([!#-[\]-~]*)"\}$/;

/** A body with these members alone, of these kinds, each given once; null for any other. */
function plain(body: Uint8Array): Plain | null {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  const [, only] = KEY_ALONE.exec(text) ?? [];
  if (only !== undefined) return { key: only };
  // Without escapes and beyond ASCII nothing, a quote opens or ends a text and is nothing else.
  if (!/^[\x20-\x5b\x5d-\x7e\s]*$/.test(text)) return null;
  const parsed: Partial<Record<string, unknown>> = Object(JSON.parse(text));
  const names = Object.keys(parsed);
  const { key, scopes } = parsed;
  if (typeof key !== 'string' || names.length !== (scopes === undefined ? 1 : 2)) return null;
  const texts = 1 + names.length;
  if (scopes === undefined) return quotesIn(text) === 2 * texts ? { key } : null;
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string')) return null;
  return quotesIn(text) === 2 * (texts + scopes.length) ? { key, scopes } : null;
}

function quotesIn(text: string): number {
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes++;
  return quotes;
}

/** Good verdicts on one key all read the same but for its limits, as long as it is known by the same object. */
const texts = new WeakMap<object, string>();

function textOf(verdict: Verdict): string {
  if (!verdict.valid) return JSON.stringify(verdictBody(verdict));
  const { key, owner, workspace, limits } = verdict;
  let text = texts.get(key);
  if (text === undefined) {
    text = JSON.stringify(verdictBody({ valid: true, code: 'valid', key, owner, workspace }));
    texts.set(key, text);
  }
  if (limits === undefined) return text;
  return `${text.slice(0, -NO_LIMITS.length)}${JSON.stringify(limits.map(describeFigure))}}`;
}

/** What the text of a verdict without limits ends with. */
const NO_LIMITS = '[]}';
