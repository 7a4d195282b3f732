import { createAccountWriter } from '../billing/account.ts';
import { type Config, ConfigError, loadConfig } from '../config.ts';
import { armCrashPoint } from '../crash-point.ts';
import { newId } from '../ids.ts';
import { createLifecycle, type Lifecycle, runUntilSignal } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { createMetrics, type Metrics, startMetricsServer } from '../metrics.ts';
import { connectMongo, disconnectMongo, pingMongo } from '../models/connect.ts';
import { openLog } from '../open-log.ts';
import { createContentCipher } from '../privacy/content-key.ts';
import { createDeletionJournal } from '../privacy/deletion-journal.ts';
import { createKeyStore } from '../privacy/key-store.ts';
import { createBreaker } from '../providers/breaker.ts';
import { createOpenAiCompatible } from '../providers/openai-compatible.ts';
import { createHealthStore } from '../providers/route-health.ts';
import { createBacklogStore } from '../queue/backlog.ts';
import { createProducer, type Producer } from '../queue/enqueue.ts';
import { createOvertaken } from '../queue/overtaken.ts';
import { addCounts } from '../queue/rates.ts';
import { startWorkers, type Workers } from '../queue/start-workers.ts';
import { checkRedis, createRedis, redisReady } from '../redis.ts';
import { openCatalogue } from '../requests/catalogue.ts';
import { createProviderKeyStore } from '../requests/provider-keys.ts';
import { createRunningRequests } from '../requests/running.ts';
import { createRequestWriter } from '../requests/writer.ts';
import { isHeard, onCancel } from '../stream/control.ts';
import { createLogReader } from '../stream/log-reader.ts';
import { createPublisher } from '../stream/publish.ts';
import { createDeliveries } from '../webhooks/deliver.ts';
import { createWebhookSender } from '../webhooks/send.ts';
import { createHandlers } from './handlers.ts';
import { startLoops } from './loops.ts';
import { tellStarted } from './started.ts';
import { createTally, type Tally } from './tally.ts';
import { watchQueue } from './watchdog.ts';
import { buildRequestEvent } from './webhook-event.ts';

/** Nobody waits for a settlement: what it makes free is free a moment later, for a third of the statements at moderate load. */
const SETTLE_GATHER_MS = 20;

/** Composition root of the workers: all queues and all periodic work. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = openLog('workers', config);
  const lifecycle = createLifecycle(log);
  runUntilSignal(lifecycle, log, config.stopGraceMs);
  if (config.crash) armCrashPoint(config.crash.point, config.crash.passage);
  const instanceId = newId('wrk');
  const metrics = createMetrics();
  const { prefix } = config.redis;

  await connectMongo(config.mongo);
  lifecycle.defer('mongo', disconnectMongo);
  const redis = (purpose: 'commands' | 'blocking', name: string) => {
    const connection = createRedis(config.redis.url, purpose, log);
    lifecycle.defer(name, () => connection.disconnect());
    return connection;
  };
  const commands = redis('commands', 'redis commands');
  await redisReady(commands);
  await checkRedis(commands);
  const producer = createProducer(commands, prefix);
  lifecycle.defer('producer', producer.close);
  const overtaken = createOvertaken(commands, prefix);
  lifecycle.defer('overtaken', overtaken.close);

  const keys = createKeyStore(config.secrets.masterKeys);
  const cipher = createContentCipher(config.secrets.masterKeys, keys);
  const { journalFolder } = config.backup;
  if (journalFolder === undefined)
    log.warn({}, 'DELETION_JOURNAL_DIR is not set: after a restore nothing tells what was deleted since the backup');
  const journal = createDeletionJournal(journalFolder);
  const catalogue = await openCatalogue(config.providerKeys, createProviderKeyStore(config.secrets.masterKeys), log);
  lifecycle.defer('catalogue', catalogue.close);
  const accounts = createAccountWriter({ settleGatherMs: SETTLE_GATHER_MS });
  const writer = createRequestWriter({ worker: instanceId, leaseMs: config.requests.leaseMs });
  lifecycle.defer('marks of requests', writer.marksWritten);
  const running = createRunningRequests({
    leaseMs: config.requests.leaseMs,
    heartbeatMs: config.requests.leaseHeartbeatMs,
    log,
  });
  lifecycle.defer('leases', running.close);
  const publisher = createPublisher({
    redis: redis('blocking', 'redis events'),
    prefix,
    ttlSeconds: config.requests.streamTtlSeconds,
    log,
  });
  lifecycle.defer('events', () => publisher.flushed(2_000));
  const logReader = createLogReader({
    reader: redis('blocking', 'redis log reader'),
    commands,
    prefix,
    instanceId,
    log,
  });
  lifecycle.defer('log reader', logReader.close);
  await onCancel(redis('blocking', 'redis control'), prefix, (requestId) => running.cancel(requestId));
  const provider = createOpenAiCompatible(config.provider);
  lifecycle.defer('provider connections', provider.close);

  const sender = createWebhookSender(config.webhooks);
  lifecycle.defer('webhook sender', sender.close);
  const deliveries = createDeliveries({
    sender,
    marks: writer,
    open: cipher.open,
    seal: cipher.seal,
    buildEvent: (delivery) => buildRequestEvent(delivery, { cipher, inlineBytesMax: config.webhooks.inlineBytesMax }),
    retryDelaysMs: config.webhooks.retryDelaysMs,
    overdueMs: config.webhooks.overdueMs,
    enqueueDelivery: (deliveryId, delayMs) => producer.enqueue('deliverWebhook', { deliveryId }, { delayMs }),
    log,
  });
  const notify = async (request: Parameters<typeof deliveries.createFor>[0]) => {
    await deliveries.createFor(request);
  };
  const breaker = createBreaker();
  const health = createHealthStore(commands, prefix);
  const tally = createTally();
  const run = {
    writer,
    accounts,
    running,
    publisher,
    logReader,
    provider,
    breaker,
    catalogue,
    cipher,
    metrics,
    log,
    notify,
  };
  startLoops(
    {
      config,
      accounts,
      sweep: {
        accounts,
        writer,
        producer,
        notify,
        log,
        isHeard: (channel) => isHeard(commands, channel),
        settings: config.sweep,
      },
      deliveries,
      producer,
      overtaken,
      running,
      breaker,
      tellHealth: (routes, nowMs) => health.tell(instanceId, routes, nowMs),
      tellRates: (nowMs) => addCounts(commands, prefix, tally.take(), nowMs),
      keys,
      journal,
      metrics,
      log,
    },
    lifecycle,
  );
  const workers = startQueues(
    config,
    log,
    { metrics, tally },
    redis('blocking', 'redis queues'),
    createHandlers({ config, run, deliveries, journal, cipher, metrics }),
  );
  const backlog = createBacklogStore(commands, prefix);
  lifecycle.defer('started jobs', tellStarted({ workers, backlog, tally, intervalMs: config.admission.sampleMs }));
  await serveMetrics(config, metrics, workers, producer, lifecycle, log);
  lifecycle.defer('queues', () => workers.drain(config.workers.drainMs), config.stopGraceMs);
  log.info({ instance: instanceId }, 'workers are running');
}

function startQueues(
  config: Config,
  log: Logger,
  { metrics, tally }: { metrics: Metrics; tally: Tally },
  connection: ReturnType<typeof createRedis>,
  handlers: ReturnType<typeof createHandlers>,
): Workers {
  const { concurrency, backgroundConcurrency, fetchLoops, lockMs, stalledIntervalMs } = config.workers;
  return startWorkers({
    connection,
    prefix: config.redis.prefix,
    handlers,
    log,
    observe: (job, outcome, durationMs) => {
      metrics.jobs.inc({ job, outcome });
      tally.ended(job, outcome, durationMs);
    },
    concurrency: {
      interactive: concurrency,
      background: backgroundConcurrency,
      webhooks: config.webhooks.concurrency,
      maintenance: 1,
    },
    fetchLoops,
    lockMs,
    stalledIntervalMs,
  });
}

async function serveMetrics(
  config: Config,
  metrics: Metrics,
  workers: Workers,
  producer: Producer,
  lifecycle: Lifecycle,
  log: Logger,
): Promise<void> {
  let stopping = false;
  const server = await startMetricsServer({
    host: config.api.host,
    port: config.workers.metricsPort,
    metrics,
    ready: async () => !stopping && (await pingMongo()),
  });
  lifecycle.defer('metrics', () => {
    stopping = true;
    return server.close();
  });
  lifecycle.defer('queue watchdog', watchQueue({ workers, producer, log }));
}

await main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
