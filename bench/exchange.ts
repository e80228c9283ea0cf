// One request over a connection that stays, and loops of such calls.

import { type Agent, request } from 'node:http';

/** Answers the body. @throws for a status of 400 and more */
export function exchange(
  agent: Agent,
  method: string,
  url: string,
  key: string,
  body?: unknown,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const call = request(url, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${url}: ${text}`));
        else resolve(text);
      });
    });
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Set once a loop shall end. */
export interface Over {
  yes: boolean;
}

/** Begins no more often than every so many milliseconds. */
export async function paced(
  over: Over,
  milliseconds: number,
  run: () => Promise<unknown>,
): Promise<void> {
  while (!over.yes) {
    const pause = new Promise((resolve) => setTimeout(resolve, milliseconds));
    await run();
    await pause;
  }
}

/** Runs it so many times, so many at once. Answers how many there were. */
export async function inFlight(
  atOnce: number,
  count: number,
  run: (i: number) => Promise<unknown>,
): Promise<number> {
  let begun = 0;
  const one = async () => {
    while (begun < count) await run(begun++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return count;
}
