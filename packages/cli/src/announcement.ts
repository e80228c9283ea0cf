// What a start says on standard output: where the service is, where its first key
// is, and a first request to paste. The key itself only where a terminal reads.

import { relative } from 'node:path';
import { type Output, plain } from './output.ts';
import { VERSION } from './version.ts';

export interface Announcement {
  /** Where the service listens. */
  readonly url: string;
  /** What others call it by. */
  readonly baseUrl: string;
  /** Where dialects are alone, on listeners of their own. */
  readonly dialects: readonly { readonly name: string; readonly url: string }[];
  /** The gateway that is answered, and where. */
  readonly gateway: { readonly kind: string; readonly url: string } | null;
  /** How many processes share the work. */
  readonly workers: number;
  /** Where probes and figures are, without a key; null for nowhere of their own. */
  readonly ops: string | null;
  readonly data: string;
  readonly keyFile: string;
  /** The key in that file; null where it holds no good one. */
  readonly firstKey: string | null;
  /** Whether this is the start that made the first key. */
  readonly made: boolean;
  /** Whether standard output is for the log of events alone. */
  readonly standardOutputTaken: boolean;
  /** Whether other machines can reach it without TLS. */
  readonly open: boolean;
}

const WARNING =
  'other machines can reach this address, and without TLS whoever is on the way can read the keys: give --tls-cert and --tls-key, or put a proxy that serves TLS before it.';

export function announce(output: Output, about: Announcement): void {
  const { url, baseUrl, gateway, ops, data, keyFile, firstKey, open } = about;
  const made = about.made && firstKey !== null;
  if (output.json) {
    const file = firstKey === null ? null : keyFile;
    const warning = open ? WARNING : null;
    const facts = {
      url,
      dialect_listeners: about.dialects,
      gateway,
      ops,
      workers: about.workers,
      data,
      first_key_file: file,
      first_key_made: made,
      warning,
    };
    if (!about.standardOutputTaken) output.data(facts, '');
    return;
  }
  const source = firstKey === null ? 'FILE_WITH_A_MANAGEMENT_KEY' : shellWord(nearest(keyFile));
  const lines = [
    `Warder ${VERSION} is ready at ${url}, its data in ${plain(data)}.`,
    ...(about.workers === 1 ? [] : [`${about.workers} workers share the work.`]),
    ...about.dialects.map((dialect) => `${dialect.name} has ${dialect.url} for itself.`),
    ...(gateway === null ? [] : [`The gateway (${gateway.kind}) is answered at ${gateway.url}.`]),
    ...(ops === null ? [] : [`Metrics and probes are at ${ops}.`]),
    ...(made ? [`The first management key is in ${plain(keyFile)}.`] : []),
    ...(open ? ['', `Warning: ${WARNING}`] : []),
    '',
    'A first request:',
    '',
    `  printf 'Authorization: Bearer %s' "$(cat ${source})" | curl -sS -H @- ${baseUrl}/v1/whoami`,
    '',
    `All requests: ${baseUrl}/reference`,
  ];
  if (about.standardOutputTaken) {
    output.note(lines.join('\n'));
    return;
  }
  output.data(null, lines.join('\n'));
  // Elsewhere it would end up in a log.
  if (made && process.stdout.isTTY) {
    process.stdout.write(`\nThe first management key, shown this once: ${firstKey}\n`);
  }
}

function nearest(file: string): string {
  const inside = relative(process.cwd(), file);
  return inside.startsWith('..') ? file : inside;
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
