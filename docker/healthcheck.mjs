/** `node docker/healthcheck.mjs <url>`: ends with 0 when the URL answers 200 within three seconds. */
const TIMEOUT_MS = 3_000;
try {
  const response = await fetch(process.argv[2], { signal: AbortSignal.timeout(TIMEOUT_MS) });
  process.exit(response.status === 200 ? 0 : 1);
} catch {
  process.exit(1);
}
