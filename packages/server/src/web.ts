// The service as a web-standard handler: a `Request` is read within its bounds and
// answered with a `Response`, for whoever is served by something else than listen.ts.

import { type Network, parseAddress, WarderError } from '@warder/core';
import { MAX_BODY_BYTES, requestIdOf, tooLarge } from './bounds.ts';
import type { RespondOptions } from './listen.ts';
import { originAddress } from './peer.ts';
import type { Arrival, Reply } from './serve.ts';

/** What a `Request` cannot know of itself. */
export interface Peer {
  /** The address at the other end of the socket; none is known unless given. */
  readonly peer?: string | undefined;
}

/** Answers every request; what goes wrong is a response too. */
export type Fetch = (request: Request, from?: Peer) => Promise<Response>;

/** @param draining whether what is new is refused */
export function fetching(options: RespondOptions, draining: () => boolean): Fetch {
  const { handle, newRequestId, trustedProxies = [] } = options;
  return async (request, from) => {
    const { pathname, search, origin: to } = new URL(request.url);
    const origin = {
      address: addressOf(request, from, trustedProxies),
      requestId: requestIdOf(request.headers.get('x-request-id')) ?? newRequestId(),
      sharedCredential: null,
      to,
    };
    const arrival = { target: `${pathname}${search}`, origin };
    const reply = await arrive(request, arrival).catch((error) => handle.refuse(error, arrival));
    return responseOf(request, reply, (error) => handle.refuse(error, arrival));
  };

  async function arrive(
    request: Request,
    arrival: Pick<Arrival, 'target' | 'origin'>,
  ): Promise<Reply> {
    if (draining()) throw new WarderError('unavailable', 'This process is shutting down.');
    return await handle({
      ...arrival,
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: await readBody(request),
    });
  }
}

function addressOf(
  { headers }: Request,
  from: Peer | undefined,
  trusted: readonly Network[],
): string | null {
  // Frameworks hand over things of their own in the second place.
  const { peer } = Object(from) as Peer;
  const known = typeof peer === 'string' && parseAddress(peer) !== null ? peer : undefined;
  return originAddress(known, headers.get('x-forwarded-for'), trusted);
}

async function readBody({ body, bodyUsed }: Request): Promise<Uint8Array> {
  if (bodyUsed) {
    throw new WarderError('internal', 'The body of this request was read before it came here.');
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof WarderError) throw cause;
    throw new WarderError('bad_request', 'The body ended before it was whole.', { cause });
  }
  return chunks.length === 1 ? (chunks[0] ?? new Uint8Array()) : Buffer.concat(chunks);
}

function responseOf(
  { method }: Request,
  { status, headers, body }: Reply,
  onFailure: (error: unknown) => void,
): Response {
  if (status === 204 || method === 'HEAD') return new Response(null, { status, headers });
  if (typeof body === 'string') return new Response(body, { status, headers });
  return new Response(streamOf(body, onFailure), { status, headers });
}

/** Each piece is made once the one before was taken. */
function streamOf(
  pieces: AsyncIterable<string>,
  onFailure: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      } catch (error) {
        onFailure(error);
        // It breaks off, so nobody takes it for whole.
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
