/** Everything that is made once and kept: the cache folder with the unpacked packages and the database template. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresAccount } from './account.ts';
import { ensurePackages, type Progress } from './packages.ts';
import { OWN_FOLDER } from './postgres.ts';
import { ensureTemplate } from './template.ts';

export type Prepared = { root: string; template: string };

/** The cache folder: below `override`, or below `.cache` at the top of the repository. */
export function cacheFolder(override: string | undefined): string {
  return path.join(path.resolve(override ?? fileURLToPath(new URL('../../.cache', import.meta.url))), 'mongod');
}

/**
 * Makes sure that the packages and the template are there. Takes about 15 s the first time and nothing later.
 * @throws Error saying what this machine lacks.
 */
export async function prepare(cacheOverride: string | undefined, progress: Progress): Promise<Prepared> {
  const cache = cacheFolder(cacheOverride);
  mkdirSync(cache, { recursive: true });
  try {
    accessSync(cache, constants.W_OK);
  } catch {
    throw new Error(
      `${cache} belongs to another user; run as that user or set OCELOTIQ_CACHE_DIR to a folder of your own`,
    );
  }
  const root = await ensurePackages(cache, progress);
  const template = await ensureTemplate(cache, root, postgresAccount([cache, OWN_FOLDER]), progress);
  return { root, template };
}
