// What came of going wrong on purpose, as the table of docs/reliability.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One fault, from its beginning until all was well again; times in milliseconds. */
export interface FaultRun {
  readonly fault: string;
  /** How many verdicts were held to the invariants, and how many changes were acknowledged. */
  readonly verdicts: number;
  readonly changes: number;
  readonly violations: number;
  /** How long after an acknowledged end the last verification was begun that said "valid"; 0 for none. */
  readonly latest: number;
  /** The longest time in which no process gave a verdict, or had a change acknowledged. */
  readonly withoutVerdicts: number;
  readonly withoutChanges: number;
  /** From the end of the fault until each process made, verified and revoked a key. */
  readonly recovery: number;
}

const PAGE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
const BEGIN = '<!-- Written by `npm run test:long`. Do not edit. -->';
const END = '<!-- End of what is written. -->';

/** Writes them between the marks of the page. @param about where and when they ran, in a sentence */
export function writeReport(runs: readonly FaultRun[], about: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has lost its marks`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${about}\n\n${tableOf(runs)}\n\n${END}${after}`);
}

const HEAD = [
  'Fault',
  'Runs',
  'Verdicts',
  'Changes',
  'Violations',
  'Latest "valid" after an end',
  'Without verdicts, longest',
  'Without changes, longest',
  'Recovered after, median',
  'at most',
];

function tableOf(runs: readonly FaultRun[]): string {
  const names = [...new Set(runs.map(({ fault }) => fault))];
  const rows = names.map((name) =>
    rowOf(
      name,
      runs.filter(({ fault }) => fault === name),
    ),
  );
  const figures = HEAD.slice(1).map(() => '---:');
  return [HEAD, ['---', ...figures], ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function rowOf(name: string, runs: readonly FaultRun[]): readonly string[] {
  const all = (figure: Exclude<keyof FaultRun, 'fault'>) =>
    runs.map((run) => run[figure]).sort((a, b) => a - b);
  const sum = (figure: Exclude<keyof FaultRun, 'fault'>) =>
    all(figure)
      .reduce((total, one) => total + one, 0)
      .toLocaleString('en');
  const most = (figure: Exclude<keyof FaultRun, 'fault'>) => spanOf(all(figure).at(-1) ?? 0);
  const recoveries = all('recovery');
  return [
    name,
    `${runs.length}`,
    ...[sum('verdicts'), sum('changes'), sum('violations')],
    ...[most('latest'), most('withoutVerdicts'), most('withoutChanges')],
    spanOf(recoveries[Math.floor(recoveries.length / 2)] ?? 0),
    most('recovery'),
  ];
}

function spanOf(milliseconds: number): string {
  return milliseconds < 1_000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1_000).toFixed(1)} s`;
}
