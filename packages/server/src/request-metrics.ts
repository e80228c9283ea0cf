// How long requests took, by the route as its table has it and by the status: never by
// the path that was sent, which may name a key.

import type { Route } from './dialect.ts';
import { createHistogram, type Durations, type Histogram } from './metrics.ts';

export interface RequestMetrics {
  readonly durations: Durations;
  /** @param base the path that its dialect is served below @param route null for what no route takes */
  of(base: string, route: Pick<Route, 'method' | 'path'> | null, status: number): Histogram;
}

/** What stands for a route and a method where no route took the request: it may be any text. */
const NONE = 'none';

export function createRequestMetrics(): RequestMetrics {
  const all = new Map<string, { readonly labels: Labels; readonly durations: Histogram }>();
  return {
    of(base, route, status) {
      const method = route?.method ?? NONE;
      const path = route === null ? NONE : `${base}${route.path}`;
      const name = `${status} ${method} ${path}`;
      let found = all.get(name);
      if (found === undefined) {
        const labels = { method, route: path, status: String(status) };
        found = { labels, durations: createHistogram() };
        all.set(name, found);
      }
      return found.durations;
    },
    durations: {
      type: 'histogram',
      name: 'warder_http_request_duration_seconds',
      help: 'From when a request was read until its reply was made.',
      read: () => [...all.values()],
    },
  };
}

type Labels = Readonly<Record<'method' | 'route' | 'status', string>>;
