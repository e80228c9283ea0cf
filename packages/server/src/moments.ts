// Moments as products write them.

/** RFC 3339, UTC, whole seconds: `2026-04-28T12:00:00Z`. */
export function wholeSeconds(at: number): string;
export function wholeSeconds(at: number | null): string | null;
export function wholeSeconds(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
