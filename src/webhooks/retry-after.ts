const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/**
 * Milliseconds asked for by a `Retry-After` header, as seconds or as an HTTP date; at most 24 hours. `undefined` when
 * absent or malformed.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1_000, RETRY_AFTER_MS_MAX);
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.min(Math.max(atMs - nowMs, 0), RETRY_AFTER_MS_MAX);
}
