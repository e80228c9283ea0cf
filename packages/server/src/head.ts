// Requests that are answered from their head alone, and what a gateway tells in one:
// the request it holds back, whose it is, the key in it. Read from the headers as they
// were sent, so that none is merged with another of its name.

import { type Carriage, headerOf, keyInHeader, keysInQuery, type Unread } from './carriages.ts';

export interface Head {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
}

export interface HeadReply {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Answers at once where it can. Never throws. */
export type HeadHandler = (head: Head) => HeadReply | Promise<HeadReply>;

/** Headers, in lower case, that tell of the request a gateway holds back. */
export interface OriginalHeaders {
  readonly method: string;
  readonly target: string;
}

export interface ReadPlan {
  /** Null where a gateway asks with the method and path of the original itself. */
  readonly original: OriginalHeaders | null;
  readonly carriages: readonly Carriage[];
  /** The header, in lower case, whose last word is the client's address. */
  readonly clientAddress: string;
}

export const SECRET_HEADER = 'X-Warder-Gateway-Secret';

export interface Told {
  method: string | null;
  target: string | null;
  address: string | null;
  secret: string | null;
  key: { readonly key: string } | Unread | null;
  /** Whether something was told twice that a gateway tells once. */
  twice: boolean;
}

export function headReader({ original, carriages, clientAddress }: ReadPlan) {
  const places = new Map<string, 'method' | 'target' | 'address' | 'secret' | Carriage['in']>();
  const parameters: string[] = [];
  for (const carriage of carriages) {
    const header = headerOf(carriage);
    if (carriage.in === 'query') parameters.push(carriage.name);
    else if (header !== null) places.set(header, carriage.in);
  }
  places.set(clientAddress, 'address');
  places.set(SECRET_HEADER.toLowerCase(), 'secret');
  if (original !== null) places.set(original.method, 'method').set(original.target, 'target');
  // Most headers are as long as none of these, which is seen before they are put in small letters.
  const lengths = new Set(Array.from(places.keys(), (name) => name.length));

  return ({ method, target, rawHeaders }: Head): Told => {
    const told: Told =
      original === null
        ? { method, target, address: null, secret: null, key: null, twice: false }
        : { method: null, target: null, address: null, secret: null, key: null, twice: false };
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      const place = lengths.has(name.length) ? places.get(name.toLowerCase()) : undefined;
      if (place === undefined) continue;
      const value = rawHeaders[i + 1] ?? '';
      switch (place) {
        case 'bearer':
        case 'header':
        case 'query':
          told.key = told.key === null ? keyInHeader(place, value) : 'two_keys';
          break;
        case 'address':
          // Each hop adds its own behind what it was sent.
          told.address = value.slice(value.lastIndexOf(',') + 1).trim();
          break;
        default:
          told.twice ||= told[place] !== null;
          told[place] = value;
      }
    }
    for (const parameter of parameters) {
      for (const value of keysInQuery(told.target ?? '', parameter)) {
        told.key = told.key === null ? keyInHeader('query', value) : 'two_keys';
      }
    }
    return told;
  };
}
