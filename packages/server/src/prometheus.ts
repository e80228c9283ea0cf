// Figures as Prometheus reads them: text format 0.0.4, with those of the process that
// every program for Node has. The library that writes it is loaded with the first page.

import type { Metric as PrometheusMetric, Registry } from 'prom-client';
import { BUCKET_SECONDS, type Metric } from './metrics.ts';

/** @returns what makes a page of the figures as they are now */
export function prometheusPage(metrics: readonly Metric[]): () => Promise<string> {
  let opening: Promise<Registry> | null = null;
  return async () => {
    opening ??= open(metrics);
    return await (await opening).metrics();
  };
}

async function open(metrics: readonly Metric[]): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const metric of metrics) {
    const { name, help, type } = metric;
    const get = async () => ({ name, help, type, values: await valuesOf(metric) });
    // All that a registry asks of a metric, which its type says by the library's own classes.
    registry.registerMetric({ name, get } as unknown as PrometheusMetric);
  }
  collectDefaultMetrics({ register: registry });
  return registry;
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
