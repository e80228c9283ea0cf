// HTTP as clients speak it: whole requests with any path, and, byte by byte, what
// no client library would send.

import { type Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export interface Sent {
  readonly method: string;
  /** Sent exactly like this. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export function exchange(url: string, agent: Agent, sent: Sent): Promise<Received> {
  const { method, path, body } = sent;
  const { hostname, port } = new URL(url);
  // Without it Node writes the body of a GET or DELETE with nothing that says it is one.
  const framed =
    body === undefined || 'transfer-encoding' in sent.headers
      ? {}
      : { 'content-length': String(Buffer.byteLength(body)) };
  const headers = { ...framed, ...sent.headers };
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, hostname, port, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What came back on a socket until the other side closed it. */
export interface Heard {
  readonly replies: readonly Received[];
  /** Whether the other side ended it without a reset. */
  readonly clean: boolean;
}

/** Writes those bytes to a socket and listens until the service closes it. */
export function shout(url: string, ...bytes: readonly (string | Uint8Array)[]): Promise<Heard> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    let clean = true;
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {
      clean = false;
    });
    socket.on('close', () => resolve({ replies: repliesIn(Buffer.concat(chunks)), clean }));
    for (const part of bytes) socket.write(part);
  });
}

function repliesIn(bytes: Buffer): Received[] {
  const replies: Received[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', from);
    if (end < 0 || !bytes.toString('latin1', from, from + 5).startsWith('HTTP/')) break;
    const [first = '', ...lines] = bytes.toString('latin1', from, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const start = end + 4;
    from = start + Number(headers['content-length'] ?? 0);
    const status = Number(first.split(' ')[1]);
    replies.push({ status, headers, text: bytes.toString('utf8', start, from) });
  }
  return replies;
}
