/** Stops what the global set-up started. */
import { rmSync } from 'node:fs';
import { recallEngines } from './running-engines.ts';

export default async function globalTeardown(): Promise<void> {
  const engines = recallEngines();
  if (engines === undefined) return;
  await Promise.all([engines.mongo.stop(), engines.redis.stop()]);
  rmSync(engines.folder, { recursive: true, force: true });
}
