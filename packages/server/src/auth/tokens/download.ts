// One small JSON document over HTTP: within a time, within a size, from that
// address and no other. What went wrong is said without a word of the answer.

import { parseJson } from '../../json.ts';

export const MAX_DOCUMENT_BYTES = 256 * 1024;

export type Fetch = typeof globalThis.fetch;

/** @throws Error whose message tells of the fault and quotes nothing that was received */
export async function download(url: URL, fetch: Fetch, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    signal,
    // A redirect would lead past the rules that the address was held against.
    redirect: 'manual',
    headers: { accept: 'application/json, application/jwk-set+json' },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  return parseDocument(await bytesOf(response));
}

/** @throws Error that quotes nothing of the document */
export function parseDocument(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_DOCUMENT_BYTES) throw tooLarge();
  try {
    return parseJson(bytes);
  } catch {
    // The parser names members, which are not for every log.
    throw new Error('what it holds is not sound JSON');
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Counted as it comes and after unpacking, so that neither a wrong length nor a bomb counts.
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): Error {
  return new Error(`it is larger than ${MAX_DOCUMENT_BYTES} bytes`);
}
