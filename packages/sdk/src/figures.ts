// What a verdict says about time, as headers: the end of a key that is near, and what
// is left of its limits. Figures that are not what they should be are left out: they
// come from a service that may be newer.

/** A key that has at most this long to live says so in each answer. */
const NEAR_MILLISECONDS = 30 * 86_400_000;

export function figuresOf(verdict: object, now: number): Readonly<Record<string, string>> {
  const { expires_at, limits, retry_after_seconds }: Readonly<Record<string, unknown>> = {
    ...verdict,
  };
  const windows = Array.isArray(limits) ? limits.flatMap((one) => windowOf(one, now)) : [];
  const wait = typeof retry_after_seconds === 'number' ? retry_after_seconds : waitOf(windows);
  const refused = 'valid' in verdict && verdict.valid === false;
  return {
    ...(refused ? {} : nearEnd(expires_at, now)),
    ...(windows.length === 0
      ? {}
      : {
          'ratelimit-policy': windows
            .map((it) => `"${it.name}";q=${it.limit};w=${it.window}`)
            .join(', '),
          ratelimit: windows.map((it) => `"${it.name}";r=${it.remaining};t=${it.reset}`).join(', '),
        }),
    ...(refused && isCount(wait) ? { 'retry-after': String(Math.max(1, Math.ceil(wait))) } : {}),
  };
}

function nearEnd(expiresAt: unknown, now: number): Readonly<Record<string, string>> {
  const end = typeof expiresAt === 'string' ? Date.parse(expiresAt) : Number.NaN;
  return end - now <= NEAR_MILLISECONDS
    ? { 'warder-key-expires': new Date(end).toISOString() }
    : {};
}

interface Window {
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  /** Both in seconds. */
  readonly window: number;
  readonly reset: number;
}

function windowOf(figures: unknown, now: number): Window[] {
  const { name, limit, remaining, window_seconds, reset_at }: Readonly<Record<string, unknown>> =
    Object(figures);
  const end = typeof reset_at === 'string' ? Date.parse(reset_at) : Number.NaN;
  // A quoted text of a structured field (RFC 9651, 3.3.3), less what would need escapes.
  if (typeof name !== 'string' || !/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(name)) return [];
  if (!isCount(limit) || !isCount(remaining) || !isCount(window_seconds)) return [];
  if (Number.isNaN(end)) return [];
  const left = Math.ceil((end - now) / 1000);
  // This clock may not be the service's.
  const reset = Math.min(Math.max(left, 0), window_seconds);
  return [{ name, limit, remaining, window: window_seconds, reset }];
}

function waitOf(windows: readonly Window[]): number | undefined {
  const full = windows.filter(({ remaining }) => remaining === 0);
  return full.length === 0 ? undefined : Math.max(...full.map(({ reset }) => reset));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
