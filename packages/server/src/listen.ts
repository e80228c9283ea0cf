// The one file that knows node:http. It bounds what a client may send and how long
// it may take, refuses what another parser might read differently, and on the way
// out finishes what is in flight while it refuses what is new.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import { type Network, WarderError } from '@warder/core';
import { MAX_BODY_BYTES, requestIdOf, sentTwice, tooLarge } from './bounds.ts';
import type { HeadHandler, HeadReply } from './head.ts';
import { type ListenAddress, listenAt, refuseServed, urlOf } from './listen-address.ts';
import { originAddress } from './peer.ts';
import type { Arrival, Handler, Reply } from './serve.ts';

/** What every listener has. */
interface SocketOptions {
  /** PEM texts; without them plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** How long a drain waits for requests in flight. */
  readonly drainMilliseconds?: number | undefined;
  readonly deadlines?: Partial<Deadlines> | undefined;
}

export interface RespondOptions {
  readonly handle: Handler;
  readonly trustedProxies?: readonly Network[] | undefined;
  readonly newRequestId: () => string;
}

export interface ListenOptions extends SocketOptions, RespondOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface HeadListenOptions extends SocketOptions {
  readonly answer: HeadHandler;
  readonly at: ListenAddress;
  /** Whether the supervisor of this process holds the socket, and has looked whose it is. */
  readonly supervised?: boolean | undefined;
}

/** How long a client may take, in milliseconds, before its connection is closed. */
export interface Deadlines {
  /** Until its headers are whole. */
  readonly headersTimeout: number;
  /** Until its body is. */
  readonly requestTimeout: number;
  /** Between two requests. */
  readonly keepAliveTimeout: number;
  /** How often the first two are looked after. */
  readonly connectionsCheckingInterval: number;
}

export interface Listener {
  /** `http://127.0.0.1:7700`, or `unix:/run/warder.sock`. */
  readonly url: string;
  /** Finishes what is in flight, refuses what is new, then closes. */
  close(): Promise<void>;
  /**
   * For when another process listens at the same address: takes no new connection, ends each there is
   * with its next reply, and after a while those that stay silent.
   */
  retire(): Promise<void>;
}

const MAX_HEADER_BYTES = 16 * 1024;
/** What a client may send to a gateway, and what that adds. */
const MAX_GATEWAY_HEADER_BYTES = 64 * 1024;
/** How long connections without a request stay open that are to end with their next reply. */
const RETIRE_MILLISECONDS = 5_000;
const DEADLINES: Deadlines = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
};

/** What answers a request that node's parser has read the head of. */
export type Respond = (
  request: IncomingMessage,
  response: ServerResponse,
  sockets: Sockets,
) => void;

/** Reads whole requests within their bounds, of whatever server they came to, and writes what is answered. */
export function responding(options: RespondOptions): Respond {
  const { handle } = options;

  // By callbacks, and at once where the answer is there at once: each promise in between would
  // show in the price of a verification.
  return (request, response, { draining, ending }) => {
    const origin = originOf(request, options);
    const arrival = { target: targetOf(request), origin };
    const refuse = (error: unknown) => send(handle.refuse(error, arrival));
    const send = ({ status, headers, body }: Reply) => {
      // A body that was not read to its end leaves nothing to go on with.
      if (ending() || !request.complete) response.setHeader('connection', 'close');
      if (typeof body !== 'string') {
        response.writeHead(status, headers);
        stream(response, body).catch((error) => {
          handle.refuse(error, arrival);
          // Without the end of its last chunk, nobody takes it for whole.
          response.destroy();
        });
        return;
      }
      // RFC 9110, 8.6: what never has a body has no length of one.
      const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body) };
      response.writeHead(status, { ...headers, ...length });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const answer = (body: Uint8Array) => {
      const reply = handle(arrivalOf(request, origin, body));
      if (reply instanceof Promise) reply.then(send, refuse);
      else send(reply);
    };

    const twice = sentTwice(request.rawHeaders);
    if (draining()) {
      refuse(new WarderError('unavailable', 'This process is shutting down.'));
    } else if (twice !== null) {
      refuse(new WarderError('bad_request', `The header ${twice} is sent twice.`));
    } else {
      readBody(request, answer, refuse);
    }
  };
}

/** For a server of somebody else's: what node:http calls a listener, and Express a handler. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** @param draining whether what is new is refused */
export function nodeHandler(options: RespondOptions, draining: () => boolean): NodeHandler {
  const respond = responding(options);
  return (request, response) => respond(request, response, { draining, ending: draining });
}

/** Serves whole requests. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port } = options;
  const respond = responding(options);
  const limits = { maxHeaderSize: MAX_HEADER_BYTES, ...options };
  return await open(limits, { host, port }, respond);
}

/**
 * Serves requests that are answered from their head alone, by the shortest way there is.
 * A Unix socket is for its owner and group, and takes the place of one that nobody serves.
 */
export async function listenToHeads(options: HeadListenOptions): Promise<Listener> {
  const { answer, at } = options;
  const send = (response: ServerResponse, { status, headers, body }: HeadReply) => {
    // Node takes names and values in turn, and its type does not say that it only reads them.
    response.writeHead(status, headers as string[]);
    response.end(body);
  };
  const limits = { maxHeaderSize: MAX_GATEWAY_HEADER_BYTES, ...options };
  if ('path' in at && !options.supervised) await refuseServed(at.path);
  return await open(limits, at, (request, response, { ending }) => {
    if (ending()) response.setHeader('connection', 'close');
    const { method = '', url: target = '', rawHeaders } = request;
    const reply = answer({ method, target, rawHeaders });
    if (reply instanceof Promise) void reply.then((late) => send(response, late));
    else send(response, reply);
  });
}

/** What a request can know of the listener it came to. */
interface Sockets {
  /** Whether what is new is refused. */
  readonly draining: () => boolean;
  /** Whether each connection ends with its reply. */
  readonly ending: () => boolean;
}

/** Opens a listener and knows how to end it. */
async function open(
  options: SocketOptions & { readonly maxHeaderSize: number },
  at: ListenAddress,
  serve: (request: IncomingMessage, response: ServerResponse, sockets: Sockets) => void,
): Promise<Listener> {
  const { tls, maxHeaderSize } = options;
  let draining = false;
  let retiring = false;
  const sockets = { draining: () => draining, ending: () => draining || retiring };
  // Connections without a request so far, by their other end: node takes them for
  // busy, or while they shake hands does not know them, and a drain would wait for them.
  const silent = new Map<string | Socket, Socket>();
  const otherEnd = tls ? addressesOf : (socket: Socket) => socket;
  const onConnection = (socket: Socket) => {
    const end = otherEnd(socket);
    silent.set(end, socket);
    socket.once('close', () => silent.delete(end));
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    silent.delete(otherEnd(request.socket));
    serve(request, response, sockets);
  };
  const limits = { maxHeaderSize, ...DEADLINES, ...options.deadlines };
  const server: Server = tls
    ? createHttpsServer({ ...limits, ...tls }, onRequest)
    : createHttpServer(limits, onRequest);

  server.on('connection', onConnection);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    listenAt(server, at, resolve);
  });
  const close = async () => {
    draining = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    for (const socket of silent.values()) socket.destroy();
    const patience = setTimeout(
      () => server.closeAllConnections(),
      options.drainMilliseconds ?? 8_000,
    );
    await closed;
    clearTimeout(patience);
  };
  return {
    url: 'path' in at ? `unix:${at.path}` : urlOf(server, tls !== undefined),
    close,
    async retire() {
      retiring = true;
      // That of node:http would cut connections off on which a request may be on its way.
      const closed = new Promise<void>((resolve) => {
        NetServer.prototype.close.call(server, () => resolve());
      });
      const patience = setTimeout(() => void close(), RETIRE_MILLISECONDS);
      await closed;
      clearTimeout(patience);
    },
  };
}

/** Writes piece by piece, each made once the client has taken the one before; ends early with the client. */
async function stream(response: ServerResponse, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (response.write(piece)) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        response.off('drain', go).off('close', go);
        resolve();
      };
      response.on('drain', go).on('close', go);
    });
    if (response.destroyed) return;
  }
  response.end();
}

/** TLS makes another socket of the one that was connected: they have their other end in common. */
function addressesOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function originOf(request: IncomingMessage, options: RespondOptions): Arrival['origin'] {
  const forwarded = request.headers['x-forwarded-for'];
  return {
    address: originAddress(
      request.socket.remoteAddress,
      typeof forwarded === 'string' ? forwarded : null,
      options.trustedProxies ?? [],
    ),
    requestId: requestIdOf(request.headers['x-request-id']) ?? options.newRequestId(),
    sharedCredential: null,
    to: `${'encrypted' in request.socket ? 'https' : 'http'}://${request.headers.host ?? request.socket.localAddress}`,
  };
}

/** Path and query as they were sent: a router that has cut off what led to it keeps them there. */
function targetOf(request: IncomingMessage): string {
  if ('originalUrl' in request && typeof request.originalUrl === 'string') {
    return request.originalUrl;
  }
  return request.url ?? '';
}

function arrivalOf(request: IncomingMessage, origin: Arrival['origin'], body: Uint8Array): Arrival {
  return {
    method: request.method ?? '',
    target: targetOf(request),
    // Only `set-cookie` is ever a list, and that is no request header.
    headers: request.headers as Arrival['headers'],
    body,
    origin,
  };
}

/** Calls one of the two, once. */
function readBody(
  request: IncomingMessage,
  answer: (body: Uint8Array) => void,
  refuse: (error: unknown) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    refuse(tooLarge());
    return;
  }
  if (request.readableEnded) {
    const before = bodyReadBefore(request);
    if (before === null) refuse(readElsewhere());
    else answer(before);
    return;
  }
  // By events: an iterator over the request costs as much as all the rest of a verification.
  const chunks: Buffer[] = [];
  let bytes = 0;
  let ended = false;
  const fail = (error: unknown) => {
    if (ended) return;
    ended = true;
    refuse(error);
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes <= MAX_BODY_BYTES) return;
    request.pause();
    fail(tooLarge());
  });
  request.on('end', () => {
    if (ended) return;
    ended = true;
    answer(chunks.length === 1 ? (chunks[0] ?? NO_BYTES) : Buffer.concat(chunks));
  });
  const cut = (cause?: unknown) =>
    fail(new WarderError('bad_request', 'The body ended before it was whole.', { cause }));
  request.on('error', cut);
  request.on('aborted', cut);
}

/** The body that something of the server this is mounted in has read, as it keeps it; null where it keeps none. */
function bodyReadBefore(request: IncomingMessage): Uint8Array | null {
  const body = 'body' in request ? request.body : undefined;
  if (body instanceof Uint8Array) return body;
  if (body !== undefined)
    return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  return coding === undefined && Number(length ?? 0) === 0 ? NO_BYTES : null;
}

function readElsewhere(): WarderError {
  return new WarderError(
    'internal',
    'The body was read before it came here: mount Warder before what reads bodies.',
  );
}

const NO_BYTES = Buffer.alloc(0);
