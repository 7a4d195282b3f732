import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { AdminJS } from 'adminjs';
import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';

/** The panel's scripts, compressed once and kept in memory. Browsers keep them until the version changes. */

type Asset = { type: string; plain: Buffer; compressed: Buffer };

const require = createRequire(import.meta.url);
const ADMINJS = path.join(path.dirname(require.resolve('adminjs')), 'lib/frontend/assets/scripts');
const DESIGN_SYSTEM = path.dirname(path.dirname(require.resolve('@adminjs/design-system')));
const BROWSER = fileURLToPath(new URL('../browser', import.meta.url));
const SCRIPT = 'text/javascript; charset=utf-8';
const MAX_AGE = 'private, max-age=31536000, immutable';

/** Every module of ours that the build made for the browser. */
const OURS = readdirSync(BROWSER)
  .filter((name) => name.endsWith('.js'))
  .sort();

const FILES: ReadonlyMap<string, string> = new Map([
  ['global.bundle.js', path.join(ADMINJS, 'global-bundle.production.js')],
  ['app.bundle.js', path.join(ADMINJS, 'app-bundle.production.js')],
  ['design-system.bundle.js', path.join(DESIGN_SYSTEM, 'bundle.production.js')],
  ...OURS.map((name) => [name, path.join(BROWSER, name)] as const),
]);

/** The same in every process of one build. */
function versionOf(): string {
  const hash = createHash('sha256').update(AdminJS.VERSION);
  for (const name of OURS) hash.update(readFileSync(path.join(BROWSER, name)));
  return hash.digest('base64url').slice(0, 16);
}

/** Where an asset is found, and how it is sent; what changed has a new address. */
export function createAssets(): { url(name: string): string; serve: RequestHandler } {
  const base = `/admin/assets/${versionOf()}`;
  const loaded = new Map<string, Promise<Asset>>();

  async function load(file: string): Promise<Asset> {
    const plain = await readFile(file);
    return { type: SCRIPT, plain, compressed: await promisify(gzip)(plain) };
  }

  return {
    url: (name) => `${base}/${name}`,
    serve: async (request, response) => {
      const name = String(request.params.name);
      const file = FILES.get(name);
      if (file === undefined || request.params.version !== path.basename(base)) throw new AppError('not_found');
      let asset = loaded.get(name);
      if (!asset) {
        asset = load(file);
        loaded.set(name, asset);
      }
      const { type, plain, compressed } = await asset;
      const gzipped = request.acceptsEncodings('gzip', 'identity') === 'gzip';
      response.setHeader('cache-control', MAX_AGE);
      response.setHeader('content-type', type);
      response.setHeader('vary', 'accept-encoding');
      if (gzipped) response.setHeader('content-encoding', 'gzip');
      response.end(gzipped ? compressed : plain);
    },
  };
}
