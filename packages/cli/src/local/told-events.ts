// Events as an export or the log of events tells them: a JSON object a line. Which
// of them are from after a backup, and whether any between are missing.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ToldEvent } from '@warder/core';
import { refused } from './installation.ts';

export interface NumberedEvent extends ToldEvent {
  readonly workspaceId: string | null;
  /** Its place in its chain; null where it was not sealed yet. */
  readonly number: number | null;
}

/** The events of a file, each once. @throws Failure that names the line which holds none */
export async function readEvents(file: string): Promise<readonly NumberedEvent[]> {
  const found = new Map<string, NumberedEvent>();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file) })) {
    line++;
    if (text.trim() === '') continue;
    const event = eventIn(text);
    if (event === null) {
      throw refused(
        `Line ${line} of ${file} is no event: it must be an export or a log of events, a JSON object a line.`,
      );
    }
    // The same event may stand there twice, first without its number.
    const before = found.get(event.id);
    if (before === undefined || before.number === null) found.set(event.id, event);
  }
  return [...found.values()];
}

function eventIn(text: string): NumberedEvent | null {
  let told: Partial<Record<string, unknown>>;
  try {
    told = Object(JSON.parse(text));
  } catch {
    return null;
  }
  const subject: Partial<Record<string, unknown>> = Object(told.subject);
  const createdAt = Date.parse(String(told.created_at));
  if (
    typeof told.id !== 'string' ||
    typeof told.type !== 'string' ||
    typeof subject.type !== 'string' ||
    typeof subject.id !== 'string' ||
    Number.isNaN(createdAt)
  ) {
    return null;
  }
  const { after } = told;
  return {
    id: told.id,
    type: told.type,
    createdAt,
    subject: { type: subject.type, id: subject.id },
    // What JSON.parse made of an object in the text.
    after: after instanceof Object ? (after as ToldEvent['after']) : null,
    workspaceId: typeof told.workspace_id === 'string' ? told.workspace_id : null,
    number: typeof told.number === 'number' ? told.number : null,
  };
}

/** What a backup holds of events. */
export interface KnownEvents {
  readonly ids: ReadonlySet<string>;
  /** The number of the last sealed event of each chain. */
  readonly heads: ReadonlyMap<string, number>;
  readonly last: { readonly id: string; readonly createdAt: number } | null;
}

/** Why events do not tell all that happened since a backup; null where nothing speaks against it. */
export function gapIn(
  file: string,
  events: readonly NumberedEvent[],
  { ids, heads, last }: KnownEvents,
): string | null {
  if (last !== null && !events.some(({ id }) => id === last.id)) {
    const when = new Date(last.createdAt).toISOString();
    return `${file} does not reach back to the backup: its last event, ${last.id} of ${when}, is not there`;
  }
  const chains = new Map<string, NumberedEvent[]>();
  for (const event of events) {
    if (event.number === null) continue;
    const chain = event.workspaceId ?? 'instance';
    const sealed = chains.get(chain) ?? [];
    sealed.push(event);
    chains.set(chain, sealed);
  }
  for (const [chain, sealed] of chains) {
    let before = heads.get(chain) ?? 0;
    for (const { id, number } of sealed.sort((a, b) => Number(a.number) - Number(b.number))) {
      if (!ids.has(id) && Number(number) > before + 1) {
        return `${file} leaves events out: number ${before + 1} of ${chain} is missing`;
      }
      before = Math.max(before, Number(number));
    }
  }
  return null;
}
