// What a rival is to the bench: keys, and a node:http route that says whether one is
// good. With the least that such a route does around its answer.

import type { IncomingMessage, RequestListener } from 'node:http';

/** Makes so many keys in `where`. The route takes `{"key"}` and answers 200 with `valid`. */
export type Rival = (
  where: string,
  count: number,
) => Promise<{ readonly secrets: readonly string[]; readonly listener: RequestListener }>;

/** A bare route: parses the body, asks, and writes what it is told as JSON. */
export function route(verify: (key: string) => Promise<object>): RequestListener {
  return (request, response) => {
    const answer = async () => {
      const { key }: { key: string } = JSON.parse(await textOf(request));
      const body = JSON.stringify(await verify(key));
      const length = Buffer.byteLength(body);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
      response.end(body);
    };
    answer().catch((error: Error) => response.destroy(error));
  };
}

function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}
