// How a client calls on Node: by node:http over connections that are kept, which takes
// a fraction of what `fetch` takes there for calls as small as a verification.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Incoming, Outgoing, Transport } from './transport.ts';

/** Connections to one service at once; calls beyond them wait for one. */
const MOST_SOCKETS = 128;
const kept = { keepAlive: true, maxSockets: MOST_SOCKETS };
const PROTOCOLS = {
  http: { request: httpRequest, agent: new HttpAgent(kept) },
  https: { request: httpsRequest, agent: new HttpsAgent(kept) },
};

const ENDED = 'the call was ended';

export const transport: Transport = async (outgoing) => {
  for (;;) {
    const answer = await exchange(outgoing);
    if (answer !== 'stale') return answer;
  }
};

/** @returns `stale` where the connection was one that the other side had closed meanwhile */
function exchange(outgoing: Outgoing): Promise<Incoming | 'stale'> {
  const { method, url, headers, body, ending, repeatable } = outgoing;
  return new Promise((resolve, reject) => {
    if (ending.ended) return reject(new Error(ENDED));
    const { request, agent } = PROTOCOLS[url.startsWith('https:') ? 'https' : 'http'];
    const { hostname, port, path } = placeOf(url);
    const call = request({ hostname, port, path, method, headers, agent });
    ending.onEnd = () => call.destroy(new Error(ENDED));
    call.on('response', (response) => resolve(incoming(response)));
    call.on('error', (error) => {
      if (repeatable && call.reusedSocket && !ending.ended && isReset(error)) resolve('stale');
      else reject(error);
    });
    // Of a DELETE, Node would not say how long its body is, and nobody could tell where it ends.
    if (method === 'DELETE' && body !== null) {
      call.setHeader('content-length', new TextEncoder().encode(body).length);
    }
    call.end(body ?? undefined);
  });
}

function incoming(response: IncomingMessage): Incoming {
  let pieces: AsyncIterator<Uint8Array> | null = null;
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
    text: () => textOf(response),
    async read() {
      pieces ??= response[Symbol.asyncIterator]();
      return (await pieces.next()).value;
    },
    async cancel() {
      response.destroy();
    },
  };
}

function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      text += piece;
    });
    response.on('end', () => resolve(text));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the answer ended before it was whole')));
  });
}

function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** Where the last services are: reading an address takes as long as a good part of a call. */
const places = new Map<string, { readonly hostname: string; readonly port: string }>();
const MOST_PLACES = 100;

function placeOf(url: string) {
  const start = url.indexOf('/', 'https://'.length);
  const origin = url.slice(0, start);
  let place = places.get(origin);
  if (place === undefined) {
    const { hostname, port } = new URL(origin);
    if (places.size === MOST_PLACES) places.clear();
    // node:http takes the address of IPv6 without its brackets.
    place = { hostname: hostname.replace(/^\[|\]$/g, ''), port };
    places.set(origin, place);
  }
  return { ...place, path: url.slice(start) };
}
