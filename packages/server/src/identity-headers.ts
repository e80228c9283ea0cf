// What a gateway hands on of a key: who calls and what they may do, in headers of
// which all are in every answer, empty where there is nothing to say. One that were
// absent would leave a client's own copy standing. The key itself is in none.

import type { Key } from '@warder/core';

/** In the order they are answered. */
export const IDENTITY_HEADERS = [
  'X-Warder-Key-Id',
  'X-Warder-Workspace-Id',
  'X-Warder-Owner-Id',
  'X-Warder-Scopes',
  'X-Warder-Environment',
] as const;

/** When the key ends; only in the answer to a good key, and only near its end. */
export const EXPIRES_HEADER = 'Warder-Key-Expires';
const NEAR_MILLISECONDS = 30 * 86_400_000;

/** The header block of a gateway has its bound, often 16 KiB in all. */
const MOST_SCOPES_CHARACTERS = 4_096;

export const NO_IDENTITY: readonly string[] = IDENTITY_HEADERS.flatMap((name) => [name, '']);

/** Names and values in turn. */
export function identityOf(key: Key): readonly string[] {
  const values: Record<(typeof IDENTITY_HEADERS)[number], string> = {
    'X-Warder-Key-Id': key.id,
    'X-Warder-Workspace-Id': key.workspaceId ?? '',
    'X-Warder-Owner-Id': headerText(key.ownerId ?? ''),
    'X-Warder-Scopes': key.kind === 'standard' ? scopesText(key.scopes) : '',
    'X-Warder-Environment': key.environment,
  };
  return IDENTITY_HEADERS.flatMap((name) => [name, values[name]]);
}

/** The end of a key that has at most thirty days to it (RFC 3339); null for any other. */
export function nearEnd({ expiresAt }: Key, now: number): string | null {
  if (expiresAt === null || expiresAt - now > NEAR_MILLISECONDS) return null;
  return new Date(expiresAt).toISOString();
}

/** Printable ASCII without spaces: any other character, and `%`, as its percent-encoded UTF-8. */
export function headerText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^!-$&-~]/gu, (character) =>
      Array.from(
        Buffer.from(character),
        (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      ).join(''),
    );
}

/** Those that fit, each whole: a scope that is left out grants nothing. */
function scopesText(scopes: readonly string[]): string {
  let text = '';
  for (const scope of scopes) {
    const longer = text === '' ? headerText(scope) : `${text} ${headerText(scope)}`;
    if (longer.length <= MOST_SCOPES_CHARACTERS) text = longer;
  }
  return text;
}
