import { createAuthenticator } from '../auth/authenticate.ts';
import { createRateLimits } from '../auth/rate-limit.ts';
import { createAccountWriter } from '../billing/account.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { armCrashPoint } from '../crash-point.ts';
import { newId } from '../ids.ts';
import { createLifecycle, runUntilSignal } from '../lifecycle.ts';
import { createMetrics, startMetricsServer } from '../metrics.ts';
import { connectMongo, disconnectMongo, pingMongo } from '../models/connect.ts';
import type { RequestDocument } from '../models/request.ts';
import { openLog } from '../open-log.ts';
import { createContentCipher } from '../privacy/content-key.ts';
import { createBacklogStore } from '../queue/backlog.ts';
import { createProducer } from '../queue/enqueue.ts';
import { requestsPerJob } from '../queue/jobs.ts';
import { checkRedis, createRedis, redisReady } from '../redis.ts';
import { createAdmission } from '../requests/admission.ts';
import { withdrawRequest } from '../requests/cancel.ts';
import { openCatalogue } from '../requests/catalogue.ts';
import { createTogetherProducer } from '../requests/enqueue-together.ts';
import { createFollower } from '../requests/follow.ts';
import { createProviderKeyStore } from '../requests/provider-keys.ts';
import { createRequestWriter } from '../requests/writer.ts';
import { sendCancel } from '../stream/control.ts';
import { createLogReader } from '../stream/log-reader.ts';
import { createRelay } from '../stream/subscribe.ts';
import { createApp } from './app.ts';
import { closeGracefully, createAppServer } from './server.ts';

/** Composition root of the public API: everything is made here once, and its closer stands on the next line. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = openLog('api', config);
  const lifecycle = createLifecycle(log);
  runUntilSignal(lifecycle, log, config.stopGraceMs);
  if (config.crash) armCrashPoint(config.crash.point, config.crash.passage);
  const instanceId = newId('api');
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
  const logReader = createLogReader({
    reader: redis('blocking', 'redis log reader'),
    commands,
    prefix,
    instanceId,
    log,
  });
  const relay = await createRelay({ subscriber: redis('blocking', 'redis relay'), logReader, prefix, instanceId, log });
  lifecycle.defer('relay', relay.close);
  const cipher = createContentCipher(config.secrets.masterKeys);
  const follower = createFollower({ relay, cipher, log });
  lifecycle.defer('follower', follower.close);
  const catalogue = await openCatalogue(config.providerKeys, createProviderKeyStore(config.secrets.masterKeys), log);
  lifecycle.defer('catalogue', catalogue.close);
  const keySubscriber = redis('blocking', 'redis keys');
  const authenticator = createAuthenticator({
    pepper: config.secrets.pepper,
    redisPrefix: prefix,
    subscriber: keySubscriber,
    log,
  });
  lifecycle.defer('authenticator', authenticator.close);
  const rateLimits = createRateLimits({ redis: commands, prefix, rates: config.rates, log });
  const backlog = createBacklogStore(commands, prefix);
  const admission = createAdmission({ backlog, settings: config.admission, metrics, log });
  lifecycle.defer('admission', admission.close);

  const accounts = createAccountWriter();
  const writer = createRequestWriter({ worker: instanceId, leaseMs: config.requests.leaseMs });
  lifecycle.defer('marks of requests', writer.marksWritten);
  let stopping = false;
  const openStreams = new Set<{ disconnect(): void }>();
  const cancel = { accounts, writer, sendCancel: (requestId: string) => sendCancel(commands, prefix, requestId) };
  const withdraw = (request: RequestDocument) => withdrawRequest(request, cancel);
  const app = createApp({
    config,
    authenticator,
    rateLimits,
    admission,
    catalogue,
    accept: {
      writer,
      accounts,
      producer: createTogetherProducer(producer, {
        // Before the places of a worker run short: jobs of several requests free them in lumps, and the estimate takes those for speed.
        isQueueing: () => admission.isQueueing() || admission.inFlight() > config.workers.concurrency / 2,
        requestsPerJobMax: requestsPerJob(config.workers),
      }),
      cipher,
      withdraw,
      settings: { ...config.requests, confirmAfterMs: config.sweep.acceptedMs / 2 },
    },
    cancel,
    follower,
    cipher,
    replyTo: relay.channel,
    metrics,
    log,
    ready: async () => !stopping && commands.status === 'ready' && (await pingMongo()),
    openStreams,
  });

  const metricsServer = await startMetricsServer({
    host: config.api.host,
    port: config.api.metricsPort,
    metrics,
    ready: async () => !stopping,
  });
  lifecycle.defer('metrics', metricsServer.close);
  const server = createAppServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.api.port, config.api.host, resolve);
  });
  log.info({ address: config.api.host, port: config.api.port, instance: instanceId }, 'api is listening');
  lifecycle.defer(
    'http server',
    async () => {
      stopping = true;
      await closeGracefully(server, openStreams, { noticeMs: config.api.drainNoticeMs, drainMs: config.api.drainMs });
    },
    config.stopGraceMs,
  );
}

await main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
