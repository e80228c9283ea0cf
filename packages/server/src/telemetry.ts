// Traces and figures by OpenTelemetry's protocol (OTLP over HTTP), in its semantic
// conventions 1.x for HTTP and databases. Where to and with which headers is read by
// its exporters from the OTEL_EXPORTER_OTLP_* variables. Loaded only where one is set.

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  createTraceState,
  DiagLogLevel,
  diag,
  type Meter,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { RequestHeaders } from './dialect.ts';
import type { Log } from './log.ts';
import { BUCKET_SECONDS, type Metric, type Numbers } from './metrics.ts';
import type { Telemetry, Tracing } from './tracing.ts';

export interface TelemetryOptions {
  readonly version: string;
  readonly traces: boolean;
  readonly metrics: boolean;
  /** The share of traces that begin here and are kept, 0 to 1; of others their parent decides. */
  readonly ratio: number;
  readonly log: Pick<Log, 'warn'>;
}

const CLOSE_MILLISECONDS = 2_000;

export function startTelemetry({ version, log, ...options }: TelemetryOptions): Telemetry {
  const warn = (message: string) => log.warn({ telemetry: message }, 'telemetry not sent');
  const silent = () => {};
  const told = { error: warn, warn: silent, info: silent, debug: silent, verbose: silent };
  diag.setLogger(told, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'warder', 'service.version': version }))
    .merge(detectResources({ detectors: [envDetector, serviceInstanceIdDetector] }));
  const tracers = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) }),
    spanProcessors: options.traces
      ? [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })]
      : [],
  });
  const meters = new MeterProvider({
    resource,
    readers: options.metrics
      ? [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })]
      : [],
  });
  const meter = meters.getMeter('warder', version);
  return {
    tracing: tracingBy(tracers.getTracer('warder', version), meter),
    observe: (metrics) => observe(meter, metrics),
    async close() {
      const sent = Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
      await Promise.race([
        sent,
        new Promise((resolve) => setTimeout(resolve, CLOSE_MILLISECONDS).unref()),
      ]);
    },
  };
}

function tracingBy(tracer: Tracer, meter: Meter): Tracing {
  const requests = meter.createHistogram('http.server.request.duration', SECONDS);
  const calls = meter.createHistogram('db.client.operation.duration', SECONDS);
  const here = new AsyncLocalStorage<Context>();

  const request: Tracing['request'] = (facts, answer) => {
    const began = performance.now();
    const method = METHODS.has(facts.method) ? facts.method : '_OTHER';
    const named = { 'http.request.method': method, 'url.scheme': facts.scheme };
    const options = { kind: SpanKind.SERVER, attributes: named };
    const span = tracer.startSpan(method, options, parentOf(facts.headers));
    let route: string | null = null;
    const onRoute = (template: string) => {
      route = template;
    };
    const end = <Answer extends { readonly status: number }>(answered: Answer): Answer => {
      const { status } = answered;
      const more: Attributes = { 'http.response.status_code': status };
      if (route !== null) {
        more['http.route'] = route;
        span.updateName(`${method} ${route}`);
        // Required by the conventions: told as the template, since what was sent may name a key.
        span.setAttribute('url.path', route);
      }
      if (status >= 500) {
        more['error.type'] = String(status);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.setAttributes(more).end();
      requests.record((performance.now() - began) / 1000, { ...named, ...more });
      return answered;
    };
    return here.run(trace.setSpan(ROOT_CONTEXT, span), () => {
      const reply = answer(onRoute);
      return reply instanceof Promise ? reply.then(end) : end(reply);
    });
  };

  return {
    request,
    stored(operation, began, failed) {
      const attributes: Attributes = { 'db.operation.name': operation };
      if (failed) attributes['error.type'] = '_OTHER';
      calls.record((performance.now() - began) / 1000, attributes);
      const parent = here.getStore();
      // Upkeep is nobody's request: a trace for each of its steps would hide all others.
      if (parent === undefined) return;
      const options = { kind: SpanKind.CLIENT, startTime: began, attributes };
      const span = tracer.startSpan(`store ${operation}`, options, parent);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    traceId() {
      const context = here.getStore();
      return (context && trace.getSpanContext(context)?.traceId) ?? null;
    },
  };
}

const SECONDS = { unit: 's', advice: { explicitBucketBoundaries: [...BUCKET_SECONDS] } };
const METHODS: ReadonlySet<string> = new Set(
  'GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE'.split(' '),
);

/** W3C Trace Context: version, trace, parent and flags; ids of zeros alone are none. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

function parentOf({ traceparent = '', tracestate }: RequestHeaders): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags ?? '', 16) & 1,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** Durations are recorded as they happen; everything else is read as it is. */
function observe(meter: Meter, metrics: readonly Metric[]): void {
  for (const metric of metrics) {
    if (metric.type === 'histogram') continue;
    const { help: description } = metric;
    const options = { description, ...(metric.name.endsWith('_seconds') ? { unit: 's' } : {}) };
    const name = nameOf(metric);
    const instrument =
      metric.type === 'counter'
        ? meter.createObservableCounter(name, options)
        : meter.createObservableGauge(name, options);
    instrument.addCallback(async (result) => {
      for (const { labels, value } of await metric.read()) {
        if (Number.isFinite(value)) result.observe(value, labels);
      }
    });
  }
}

/** `warder_cache_hits_total` is `warder.cache_hits` there, which says by itself what it counts and in what. */
function nameOf({ name }: Numbers): string {
  return name.replace(/^warder_/, 'warder.').replace(/_(total|seconds)$/, '');
}
