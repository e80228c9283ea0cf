// Figures of usage as people read them, and the options that say which.

import type { Usage } from '@warder/sdk';
import type { Field } from './fields.ts';
import { type Output, table } from './output.ts';

export const USAGE_RANGE: readonly Field[] = [
  {
    flag: '--step <step>',
    member: 'step',
    meaning: 'by hour, day or month; day unless given',
    choices: ['hour', 'day', 'month'],
  },
  {
    flag: '--from <time>',
    member: 'from',
    meaning: 'from this moment on, as 2026-12-31T00:00:00Z',
  },
  { flag: '--to <time>', member: 'to', meaning: 'before this moment; now unless given' },
];

const HEADS = ['FROM', 'TOTAL', 'VALID', 'REFUSED'];

/** Shows what there was, and the sum. */
export function showUsage(output: Output, usage: Usage): void {
  const { data, from, to, total } = usage;
  const rows = data.filter((one) => one.total > 0).map((one) => rowOf(one.start, one));
  const text = total === 0 ? 'None.' : table(HEADS, [...rows, rowOf('all', usage)]);
  output.data(usage, text);
  output.note(`From ${from} to ${to}, in UTC.`);
}

function rowOf(
  name: string,
  { total, valid, refused }: Pick<Usage, 'total' | 'valid' | 'refused'>,
) {
  const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
  return [name, String(total), String(valid), codes.join(', ')];
}
