// What processes tell each other over the channel of one schema: which rows changed,
// that they are there, and how far they have got. Short, since PostgreSQL takes less
// than 8,000 bytes; it says what to read again, never what is stored.

import type { Heard } from '@warder/core';

export type Message =
  | { readonly type: 'changes'; readonly changes: readonly Heard[] }
  /** A process is there. `lease`: milliseconds from then for which it may answer from memory. */
  | {
      readonly type: 'heartbeat';
      readonly process: string;
      readonly number: number;
      readonly lease: number;
    }
  /** Asks every process to say when it has come this far. */
  | { readonly type: 'barrier'; readonly process: string; readonly number: number }
  | {
      readonly type: 'obeyed';
      readonly process: string;
      readonly asker: string;
      readonly number: number;
      /** Whether it knows of every process that may answer from memory. */
      readonly knowsAll: boolean;
      /** The others that it knows of, and for how long they may. */
      readonly others: readonly (readonly [process: string, milliseconds: number])[];
    }
  /** A process answers nothing any more. */
  | { readonly type: 'farewell'; readonly process: string };

/** PostgreSQL refuses 8,000. */
const MOST_BYTES = 7_900;
const MOST_OTHERS = 200;

export function written(message: Message): string {
  switch (message.type) {
    case 'changes':
      return writtenChanges(message.changes);
    case 'heartbeat':
      return `h ${message.process} ${message.number} ${message.lease}`;
    case 'barrier':
      return `b ${message.process} ${message.number}`;
    case 'obeyed': {
      const { process, asker, number, others } = message;
      const some = others.slice(0, MOST_OTHERS).map(([other, left]) => `${other}:${left}`);
      const knowsAll = message.knowsAll && some.length === others.length;
      return ['o', process, asker, number, knowsAll ? 1 : 0, ...some].join(' ');
    }
    case 'farewell':
      return `f ${message.process}`;
  }
}

function writtenChanges(changes: readonly Heard[]): string {
  const words = new Set(
    changes.map((change) =>
      change.type === 'everything' ? '*' : LETTERS[change.type] + shortened(change.id),
    ),
  );
  const text = ['c', ...words].join(' ');
  return words.has('*') || text.length > MOST_BYTES ? 'c *' : text;
}

/** Whatever this version does not understand may have changed anything. */
export function readMessage(text: string): Message {
  const [letter, ...words] = text.split(' ');
  const [process = '', second = '', third = ''] = words;
  if (letter === 'c') return { type: 'changes', changes: words.map(changeOf) };
  if (letter === 'h') {
    return { type: 'heartbeat', process, number: Number(second), lease: Number(third) };
  }
  if (letter === 'b') return { type: 'barrier', process, number: Number(second) };
  if (letter === 'o') {
    const others = words.slice(4).map((word) => {
      const [other = '', left] = word.split(':');
      return [other, Number(left)] as const;
    });
    const [number, knowsAll] = [Number(third), words[3] === '1'];
    return { type: 'obeyed', process, asker: second, number, knowsAll, others };
  }
  if (letter === 'f') return { type: 'farewell', process };
  return { type: 'changes', changes: [EVERYTHING] };
}

const LETTERS = { key: 'k', owner: 'o', workspace: 'w', member: 'm' } as const;
const TYPES = new Map(
  (['key', 'owner', 'workspace', 'member'] as const).map((type) => [LETTERS[type], type] as const),
);
const EVERYTHING: Heard = { type: 'everything' };

function changeOf(word: string): Heard {
  const type = TYPES.get(word.slice(0, 1) as 'k');
  const hex = Buffer.from(word.slice(1), 'base64url').toString('hex');
  if (type === undefined || hex.length !== 32) return EVERYTHING;
  return { type, id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') };
}

/** A UUID as 22 characters. */
function shortened(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}
