// A collector of OpenTelemetry that keeps what it is sent: OTLP over HTTP, as JSON.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code?: number };
}

export interface SentPoint {
  readonly metric: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a histogram, how many were recorded. */
  readonly value: number;
}

/** An object of the protocol, read member by member. */
interface Wire {
  readonly [name: string]: unknown;
}

export async function startCollector() {
  const texts: string[] = [];
  const spans: SentSpan[] = [];
  const points: SentPoint[] = [];
  const resources: Readonly<Record<string, unknown>>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      texts.push(JSON.stringify(request.headers), text);
      const sent = JSON.parse(text) as Wire;
      for (const { resource, scopeSpans } of list(sent.resourceSpans)) {
        resources.push(attributesOf(resource));
        for (const scope of list(scopeSpans)) {
          for (const span of list(scope.spans)) {
            spans.push({ ...(span as unknown as SentSpan), attributes: attributesOf(span) });
          }
        }
      }
      for (const { scopeMetrics } of list(sent.resourceMetrics)) {
        for (const scope of list(scopeMetrics)) {
          for (const metric of list(scope.metrics)) points.push(...pointsOf(metric));
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    /** All that arrived, headers too. */
    texts,
    spans,
    points,
    resources,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function list(value: unknown): readonly Wire[] {
  return (value ?? []) as readonly Wire[];
}

function attributesOf(of: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    list((of as Wire | undefined)?.attributes).map(({ key, value }) => [
      String(key),
      Object.values(value as object)[0],
    ]),
  );
}

function pointsOf({ name, unit, sum, gauge, histogram }: Wire): SentPoint[] {
  const { dataPoints } = (sum ?? gauge ?? histogram ?? {}) as Wire;
  return list(dataPoints).map((point) => ({
    metric: String(name),
    unit: String(unit ?? ''),
    attributes: attributesOf(point),
    value: Number(point.asDouble ?? point.asInt ?? point.count),
  }));
}
