// Every figure that the service tells of itself, in one list: what docs/running.md has
// a row for each of. They are read from whoever counts them when somebody asks.

import { figure, figures, type Metric } from './metrics.ts';
import type { Promised } from './readiness.ts';
import type { VerifierFigures } from './verifier.ts';

export interface MetricSources {
  readonly version: string;
  readonly verifier: VerifierFigures;
  promised(): Promised;
  usage(): { readonly waiting: number; readonly lost: number };
  /** How many windows of limits there is room for in this process now. */
  windows(): number;
  /** Answers to gateways by their reason. */
  readonly gatewayAnswers: Readonly<Record<string, number>>;
  /** When the oldest event was made that is not sealed yet; null for none. */
  oldestUnsealed(): Promise<number | null>;
  /** Milliseconds since what counts limits for several processes was last there; null where it is, or none is asked. */
  limitsAway(): number | null;
  /** Milliseconds for which it has not been certain that every change was heard. */
  feedAge(): number;
  readonly now: () => number;
}

export function serviceMetrics(sources: MetricSources): readonly Metric[] {
  const { verifier } = sources;
  return [
    {
      type: 'gauge',
      name: 'warder_build_info',
      help: 'Always 1, with the version that runs and the Node it runs on.',
      read: () => [{ labels: { version: sources.version, node: process.version }, value: 1 }],
    },
    figures(
      'counter',
      'warder_verifications_total',
      'Verdicts on keys, but for the keys that sign in to Warder itself.',
      'code',
      () => verifier.verdicts,
    ),
    figures(
      'counter',
      'warder_gateway_answers_total',
      'Answers to gateways, `allowed` or by why not.',
      'reason',
      () => sources.gatewayAnswers,
    ),
    figure('counter', 'warder_cache_hits_total', 'Verdicts on keys in memory.', () =>
      verifier.hits(),
    ),
    figure('counter', 'warder_cache_misses_total', 'Keys that had to be read.', () =>
      verifier.misses(),
    ),
    figure('gauge', 'warder_cache_keys', 'Keys in memory.', () => verifier.cached()),
    figure(
      'gauge',
      'warder_cache_capacity_keys',
      'Keys that memory usually has room for.',
      () => verifier.capacity,
    ),
    figure(
      'gauge',
      'warder_promise_bound_seconds',
      'After how long no verdict is of before a change that was acknowledged, whatever fails.',
      () => sources.promised().boundMilliseconds / 1000,
    ),
    figure(
      'gauge',
      'warder_lookups_in_flight',
      'Keys that are being read.',
      () => verifier.lookups().inside,
    ),
    figure(
      'gauge',
      'warder_lookups_waiting',
      'Keys that wait to be read.',
      () => verifier.lookups().waiting,
    ),
    figure(
      'counter',
      'warder_lookups_refused_total',
      'Keys that waited too long to be read, and were answered 503.',
      () => verifier.lookups().refused,
    ),
    figure(
      'gauge',
      'warder_limit_windows',
      'Windows of limits that this process has room for.',
      () => sources.windows(),
    ),
    figure(
      'gauge',
      'warder_limits_away_seconds',
      'For how long what counts limits for several processes has been away; 0 where it is there.',
      () => (sources.limitsAway() ?? 0) / 1000,
    ),
    figure(
      'gauge',
      'warder_usage_waiting',
      'Counts of verifications that are not written yet: one for each key and hour.',
      () => sources.usage().waiting,
    ),
    figure(
      'counter',
      'warder_usage_lost_total',
      'Verifications that were not counted, since too much waited to be written.',
      () => sources.usage().lost,
    ),
    figure(
      'gauge',
      'warder_change_feed_age_seconds',
      'For how long it has not been certain that every change elsewhere was heard; +Inf before the first certainty.',
      () => sources.feedAge() / 1000,
    ),
    figure(
      'gauge',
      'warder_seal_lag_seconds',
      'Age of the oldest event that is not sealed yet; NaN where the store cannot be read.',
      async () => {
        try {
          const oldest = await sources.oldestUnsealed();
          return oldest === null ? 0 : Math.max(0, (sources.now() - oldest) / 1000);
        } catch {
          return Number.NaN;
        }
      },
    ),
  ];
}
