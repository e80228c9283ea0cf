// The way to telemetry for whoever was asked for it: the libraries behind it are many,
// and a service that sends nothing anywhere loads none of them.

import type { TelemetryOptions } from './telemetry.ts';
import type { Telemetry } from './tracing.ts';

export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { startTelemetry } = await import('./telemetry.ts');
  return startTelemetry(options);
}
