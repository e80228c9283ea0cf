// What the service tells of itself in figures. They are counted as plain numbers where
// things happen and read when somebody asks, so that counting costs a verification
// nothing. No figure names a key, an owner or a workspace.

/** One figure of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Described {
  /** `warder_<what>_<unit>`, with `_total` at the end of a counter. */
  readonly name: string;
  readonly help: string;
}

/** A count that only grows, or a figure that is as it is now. NaN where it cannot be told. */
export interface Numbers extends Described {
  readonly type: 'counter' | 'gauge';
  read(): readonly Sample[] | Promise<readonly Sample[]>;
}

/** How long things took, in seconds. */
export interface Durations extends Described {
  readonly type: 'histogram';
  read(): readonly { readonly labels: Sample['labels']; readonly durations: Histogram }[];
}

export type Metric = Numbers | Durations;

/** Upper ends of the buckets, in seconds; what took longer is in a last one without an end. */
export const BUCKET_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export interface Histogram {
  observe(seconds: number): void;
  /** How many took as long as each of `BUCKET_SECONDS` at the most, and how many in all at the end. */
  upTo(): readonly number[];
  /** Of all that was observed, in seconds. */
  sum(): number;
}

export function createHistogram(): Histogram {
  const counts = new Float64Array(BUCKET_SECONDS.length + 1);
  let sum = 0;
  return {
    observe(seconds) {
      let bucket = 0;
      while (seconds > (BUCKET_SECONDS[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += seconds;
    },
    upTo() {
      let all = 0;
      return Array.from(counts, (count) => {
        all += count;
        return all;
      });
    },
    sum: () => sum,
  };
}

/** A figure without labels. */
export function figure(
  type: Numbers['type'],
  name: string,
  help: string,
  read: () => number | Promise<number>,
): Numbers {
  return { type, name, help, read: async () => [{ labels: {}, value: await read() }] };
}

/** A figure by one label, from a record of its values. */
export function figures(
  type: Numbers['type'],
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
): Numbers {
  return {
    type,
    name,
    help,
    read: () => Object.entries(read()).map(([of, value]) => ({ labels: { [label]: of }, value })),
  };
}

/** Times what is under way, and counts what of it failed, by one label of few values. */
export interface Timer {
  readonly metrics: readonly Metric[];
  /** @param began when it did, as `performance.now()` tells it */
  follow<Result>(of: string, began: number, doing: Promise<Result>): Promise<Result>;
}

/** @param name `warder_<what>`, of which `_duration_seconds` and `_failures_total` are made */
export function createTimer(
  name: string,
  what: string,
  label: string,
  onEnd?: (of: string, began: number, failed: boolean) => void,
): Timer {
  const all = new Map<string, { durations: Histogram; failures: number }>();
  const timed = (of: string) => {
    let found = all.get(of);
    if (found === undefined) {
      found = { durations: createHistogram(), failures: 0 };
      all.set(of, found);
    }
    return found;
  };
  const failures = () => Object.fromEntries(Array.from(all, ([of, one]) => [of, one.failures]));
  return {
    metrics: [
      {
        type: 'histogram',
        name: `${name}_duration_seconds`,
        help: `How long ${what} took, failed or not.`,
        read: () =>
          Array.from(all, ([of, { durations }]) => ({ labels: { [label]: of }, durations })),
      },
      figures('counter', `${name}_failures_total`, `How often ${what} failed.`, label, failures),
    ],
    async follow(of, began, doing) {
      const one = timed(of);
      let failed = true;
      try {
        const result = await doing;
        failed = false;
        return result;
      } finally {
        if (failed) one.failures++;
        one.durations.observe((performance.now() - began) / 1000);
        onEnd?.(of, began, failed);
      }
    },
  };
}
