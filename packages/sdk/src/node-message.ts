// What node:http and the frameworks on it hand a middleware, as far as it is looked at,
// so that no package of theirs is imported.

import type { Carrier } from './middleware.ts';
import type { Refusal } from './refusal.ts';

export interface NodeRequest extends Carrier {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: readonly string[];
}

export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

export function setHeaders(
  response: NodeResponse,
  headers: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

export function answer(response: NodeResponse, { status, headers, body }: Refusal): void {
  response.statusCode = status;
  setHeaders(response, headers);
  response.end(body);
}
