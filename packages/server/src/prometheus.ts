// Figures as Prometheus reads them: text format 0.0.4, with those of the process that
// every program for Node has. The library that writes it is loaded with the first page.

import type { Metric as PrometheusMetric, Registry } from 'prom-client';
import { BUCKET_SECONDS, type Metric } from './metrics.ts';

/** A metric with its figures as plain data, so that one process can tell those of another. */
export interface ToldMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Value[];
}

export interface ProcessFigures {
  /** What tells it from the others. */
  readonly process: string;
  readonly metrics: readonly ToldMetric[];
}

export interface Prometheus {
  /** The figures of this process as they are now. */
  told(): Promise<readonly ToldMetric[]>;
  /** A page of them; of all processes that are there, where there are several. */
  page(): Promise<string>;
}

/** @param everyone the figures of all processes behind one listener, this one among them; undefined where it is the only one */
export function prometheusOf(
  metrics: readonly Metric[],
  everyone?: () => Promise<readonly ProcessFigures[]>,
): Prometheus {
  let opening: Promise<Registry> | null = null;
  const opened = () => {
    opening ??= open(metrics);
    return opening;
  };
  return {
    async told() {
      const all = await (await opened()).getMetricsAsJSON();
      return (all as readonly (Told & { type: unknown })[]).map(({ name, help, type, values }) => ({
        name,
        help,
        type: String(type),
        values: values.map(plain),
      }));
    },
    async page() {
      if (everyone === undefined) return await (await opened()).metrics();
      return await pageOf(await everyone());
    },
  };
}

/** As the library gives it, which its type says without the values. */
interface Told {
  readonly name: string;
  readonly help: string;
  readonly values: readonly Value[];
}

function plain({ labels, value, metricName }: Value): Value {
  return metricName === undefined
    ? { labels: { ...labels }, value }
    : { labels: { ...labels }, value, metricName };
}

/** Each figure with the process that it is of: a sum would fall whenever one of them ends. */
async function pageOf(all: readonly ProcessFigures[]): Promise<string> {
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  const byName = new Map<string, ToldMetric & { readonly values: Value[] }>();
  for (const { process, metrics } of all) {
    for (const metric of metrics) {
      const found = byName.get(metric.name) ?? { ...metric, values: [] };
      byName.set(metric.name, found);
      for (const value of metric.values) {
        found.values.push({ ...value, labels: { ...value.labels, process } });
      }
    }
  }
  for (const metric of byName.values()) register(registry, metric.name, async () => metric);
  return await registry.metrics();
}

async function open(metrics: readonly Metric[]): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const metric of metrics) {
    const { name, help, type } = metric;
    register(registry, name, async () => ({ name, help, type, values: await valuesOf(metric) }));
  }
  collectDefaultMetrics({ register: registry });
  return registry;
}

function register(registry: Registry, name: string, get: () => Promise<ToldMetric>): void {
  // All that a registry asks of a metric, which its type says by the library's own classes.
  registry.registerMetric({ name, get } as unknown as PrometheusMetric);
}

interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

async function valuesOf(metric: Metric): Promise<readonly Value[]> {
  if (metric.type !== 'histogram') return await metric.read();
  return metric.read().flatMap(({ labels, durations }): Value[] => {
    const upTo = durations.upTo();
    const buckets = upTo.map((value, i) => ({
      labels: { ...labels, le: BUCKET_SECONDS[i] ?? '+Inf' },
      value,
      metricName: `${metric.name}_bucket`,
    }));
    return [
      ...buckets,
      { labels, value: durations.sum(), metricName: `${metric.name}_sum` },
      { labels, value: upTo.at(-1) ?? 0, metricName: `${metric.name}_count` },
    ];
  });
}
