// Measuring side by side: every alternative in every round, in turn, and the median
// of the ratios of each round. An absolute time means nothing on a shared machine.

export interface Alternative {
  readonly name: string;
  /** Runs once and answers how many operations it did. */
  run(): Promise<number> | number;
}

export interface Measured {
  readonly name: string;
  /** Median time of one operation, in microseconds. */
  readonly microseconds: number;
  /** Median over the rounds of its time against the first alternative's in the same round. */
  readonly ratio: number;
}

const ROUNDS = 7;

/** The first alternative is the baseline. One round to warm up, then seven that count. */
export async function compare(alternatives: readonly Alternative[]): Promise<Measured[]> {
  const rounds: number[][] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const times: number[] = [];
    for (const alternative of alternatives) {
      const start = performance.now();
      const operations = await alternative.run();
      times.push(((performance.now() - start) * 1000) / operations);
    }
    if (round > 0) rounds.push(times);
  }
  return alternatives.map(({ name }, i) => ({
    name,
    microseconds: median(rounds.map((times) => times[i] ?? 0)),
    ratio: median(rounds.map((times) => (times[i] ?? 0) / (times[0] ?? 1))),
  }));
}

export function print(title: string, measured: readonly Measured[]): void {
  console.log(`\n${title}`);
  for (const { name, microseconds, ratio } of measured) {
    const time = microseconds.toFixed(microseconds < 10 ? 2 : 0).padStart(9);
    console.log(`  ${ratio.toFixed(2).padStart(7)} x ${time} us  ${name}`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** A line of the table of results: what was measured, as a ratio unless it says otherwise, and its target. */
export interface Row {
  readonly what: string;
  readonly measured: number;
  readonly most?: number;
  readonly least?: number;
}

export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, measured, most, least }) => {
    const target = most === undefined ? (least === undefined ? '' : `>= ${least}`) : `<= ${most}`;
    const kept = measured <= (most ?? measured) && measured >= (least ?? measured);
    return `| ${what} | ${measured.toFixed(2)} | ${target} | ${kept ? 'yes' : 'no'} |`;
  });
  return ['| what | measured | target | kept |', '|---|---|---|---|', ...lines].join('\n');
}
