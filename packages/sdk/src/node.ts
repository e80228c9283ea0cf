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

export const transport: Transport = async (outgoing) => {
  for (;;) {
    const answer = await exchange(outgoing);
    if (answer !== 'stale') return answer;
  }
};

/** @returns `stale` where the connection was one that the other side had closed meanwhile */
function exchange(outgoing: Outgoing): Promise<Incoming | 'stale'> {
  const { method, url, headers, body, signal, repeatable } = outgoing;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const { request, agent } = PROTOCOLS[url.startsWith('https:') ? 'https' : 'http'];
    const call = request(url, { method, headers, agent });
    const onAbort = () => call.destroy(new Error('the call was ended'));
    signal.addEventListener('abort', onAbort);
    call.on('close', () => signal.removeEventListener('abort', onAbort));
    call.on('response', (response) => resolve(incoming(response)));
    call.on('error', (error) => {
      if (repeatable && call.reusedSocket && !signal.aborted && isReset(error)) resolve('stale');
      else reject(error);
    });
    call.end(body ?? undefined);
  });
}

function incoming(response: IncomingMessage): Incoming {
  const pieces = response[Symbol.asyncIterator]();
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
    text: () => textOf(response),
    read: async () => (await pieces.next()).value,
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
