import { createLogger } from '../../../src/log.ts';
import { createProducer, type Producer } from '../../../src/queue/enqueue.ts';
import { requestsPerJob } from '../../../src/queue/jobs.ts';
import { done } from '../../../src/queue/outcome.ts';
import type { Handlers } from '../../../src/queue/run-job.ts';
import { startWorkers, type Workers } from '../../../src/queue/start-workers.ts';
import { createRedis, redisReady } from '../../../src/redis.ts';
import { createTogetherProducer } from '../../../src/requests/enqueue-together.ts';
import { createLogReader } from '../../../src/stream/log-reader.ts';
import { createPublisher, type Publisher } from '../../../src/stream/publish.ts';
import { createRelay, type Relay } from '../../../src/stream/subscribe.ts';

/** The product's ways over Redis, there and back, with both ends in one process. */

const PREFIX = 'part';
const PLACES = { concurrency: 2_000, fetchLoops: 4 };
const log = createLogger({ role: 'bench', level: 'silent' });
const open = (purpose: 'commands' | 'blocking') => createRedis(process.env.REDIS_URL ?? '', purpose, log);

export type RelayWires = { publisher: Publisher; relay: Relay };

/** The way of an answer's events from a worker to the api. */
export async function openRelay(): Promise<RelayWires> {
  const [commands, reader, subscriber] = [open('commands'), open('blocking'), open('blocking')];
  await redisReady(commands);
  const publisher = createPublisher({ redis: open('blocking'), prefix: PREFIX, ttlSeconds: 60, log });
  const logReader = createLogReader({ reader, commands, prefix: PREFIX, instanceId: 'part', log });
  const relay = await createRelay({ subscriber, logReader, prefix: PREFIX, instanceId: 'part', log });
  return { publisher, relay };
}

/** The way of a request from the api to a worker, which runs `handle`. */
export async function openQueue(
  handle: (requestId: string) => Promise<void>,
): Promise<{ producer: Pick<Producer, 'enqueue'>; workers: Workers }> {
  const commands = open('commands');
  await redisReady(commands);
  const runRequest = async ({ requestId }: { requestId: string }) => {
    await handle(requestId);
    return done;
  };
  const runRequests = async ({ requestIds }: { requestIds: readonly string[] }) => {
    await Promise.all(requestIds.map(handle));
    return done;
  };
  const nothing = async () => done;
  const handlers = {
    runRequest,
    runRequests,
    runBackgroundRequest: runRequest,
    deliverWebhook: nothing,
    buildAccessArchive: nothing,
    purgeContent: nothing,
  } as Handlers;
  const workers = startWorkers({
    connection: open('blocking'),
    prefix: PREFIX,
    handlers,
    log,
    observe: () => undefined,
    concurrency: { interactive: PLACES.concurrency, background: 1, webhooks: 1, maintenance: 1 },
    fetchLoops: PLACES.fetchLoops,
    lockMs: 60_000,
    stalledIntervalMs: 30_000,
  });
  return {
    producer: createTogetherProducer(createProducer(commands, PREFIX), {
      isQueueing: () => false,
      requestsPerJobMax: requestsPerJob(PLACES),
    }),
    workers,
  };
}
