import { createServer } from 'node:http';
import { createAuditLog } from '../audit/append.ts';
import { publishKeyChange } from '../auth/keys.ts';
import { createPasswordHasher } from '../auth/staff-password.ts';
import { createAccountWriter } from '../billing/account.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { newId } from '../ids.ts';
import { createLifecycle, runUntilSignal } from '../lifecycle.ts';
import { connectMongo, disconnectMongo, pingMongo } from '../models/connect.ts';
import { openLog } from '../open-log.ts';
import { createPerform } from '../operations/perform.ts';
import { createContentCipher } from '../privacy/content-key.ts';
import { createDeletionJournal } from '../privacy/deletion-journal.ts';
import { createEmailIndex } from '../privacy/email-index.ts';
import { createHealthStore } from '../providers/route-health.ts';
import { openBoardQueues } from '../queue/board-queues.ts';
import { openFailedJobs } from '../queue/failed-jobs.ts';
import { inspectQueues, listFailedJobs } from '../queue/inspect.ts';
import { createRedis } from '../redis.ts';
import { createProviderKeyStore } from '../requests/provider-keys.ts';
import { createRequestWriter } from '../requests/writer.ts';
import { sendCancel } from '../stream/control.ts';
import { createAdminApp } from './app.ts';
import { createPanel } from './panel/panel.ts';
import { closeGracefully, configureServer } from './server.ts';
import { createVisitors } from './visitor.ts';

const QUEUES_MS = 1_000;

/** What does not come in time is given up; a late answer is nobody's. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Composition root of the back-office. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = openLog('admin', config);
  const lifecycle = createLifecycle(log);
  runUntilSignal(lifecycle, log, config.stopGraceMs);
  const { pepper, masterKeys } = config.secrets;
  const { publicUrl, session: limits, host, port } = config.admin;
  const { prefix } = config.redis;
  const { defaults: retentionDefaults } = config.retention;

  await connectMongo(config.mongo);
  lifecycle.defer('mongo', disconnectMongo);
  // Redis only hurries things up here: without it a revoked key works for one more second.
  const redis = createRedis(config.redis.url, 'commands', log);
  lifecycle.defer('redis', () => redis.disconnect());

  const health = createHealthStore(redis, prefix);
  const failedJobs = openFailedJobs(redis, prefix);
  lifecycle.defer('failed jobs', failedJobs.close);
  const boardQueues = openBoardQueues(redis, prefix);
  lifecycle.defer('board', boardQueues.close);

  const audit = createAuditLog(pepper);
  const cipher = createContentCipher(masterKeys);
  const writer = createRequestWriter({ worker: newId('api'), leaseMs: config.requests.leaseMs });
  lifecycle.defer('marks of requests', writer.marksWritten);
  const perform = createPerform(audit, {
    publishKey: (keyId) => publishKeyChange(redis, prefix, keyId),
    operator: config.operator,
    policy: { operator: config.operator, retentionDefaults },
    purge: { journal: createDeletionJournal(config.backup.journalFolder), log },
    cancel: {
      accounts: createAccountWriter(),
      writer,
      sendCancel: (requestId) => sendCancel(redis, prefix, requestId),
    },
    cipher,
    emailIndex: createEmailIndex(masterKeys),
    providerKeys: createProviderKeyStore(masterKeys),
    failedJobs,
  });
  let stopping = false;
  const app = createAdminApp({
    config,
    entrance: {
      signIn: { hasher: createPasswordHasher(pepper), cipher, pepper, limits },
      visitors: createVisitors({ pepper, publicUrl, limits }),
      audit,
    },
    panel: {
      panel: createPanel(cipher, {
        retentionDefaults,
        settings: config.settings,
        queues: () => within(QUEUES_MS, inspectQueues(redis, prefix, Date.now())),
        failedJobs: () => within(QUEUES_MS, listFailedJobs(redis, prefix)),
        routeHealth: () => within(QUEUES_MS, health.read(Date.now())),
      }),
      perform,
      audit,
      pepper,
      publicUrl,
      apiUrl: config.api.publicUrl,
    },
    board: { audit, queues: boardQueues.adapters },
    log,
    ready: async () => !stopping && (await pingMongo()),
  });
  const server = createServer(app);
  configureServer(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  log.info({ port, address: host }, 'listening');
  lifecycle.defer(
    'http server',
    async () => {
      stopping = true;
      await closeGracefully(server);
    },
    config.stopGraceMs,
  );
}

await main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
