import { fileURLToPath } from 'node:url';
import { ConfigError, loadConfig } from '../config.ts';
import { createLifecycle } from '../lifecycle.ts';
import { AiModel } from '../models/ai-model.ts';
import { connectMongo, disconnectMongo, migrate } from '../models/connect.ts';
import { openLog } from '../open-log.ts';
import { importCatalogue, placeSandbox } from '../requests/catalogue-import.ts';

/** One-shot, run before the other roles of a new version are started: collections, validators, indexes, first catalogue. */

/** Building an index over a large collection takes its time. */
const INDEX_BUILD_MS_MAX = 3_600_000;

const CATALOGUE_FILE = fileURLToPath(new URL('../../config/models.json', import.meta.url));

async function main(): Promise<void> {
  const config = loadConfig();
  const log = openLog('migrate', config);
  const lifecycle = createLifecycle(log);
  try {
    await connectMongo({ ...config.mongo, socketTimeoutMs: INDEX_BUILD_MS_MAX });
    lifecycle.defer('mongo', disconnectMongo);
    await migrate();
    log.info('collections and indexes are in place');
    // A catalogue that an operator has edited is theirs.
    if (!(await AiModel.exists({}))) {
      const { models } = await importCatalogue(CATALOGUE_FILE);
      log.info({ count: models }, 'catalogue imported');
    }
    await placeSandbox(config.sandbox.url);
  } finally {
    await lifecycle.close();
  }
}

await main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
