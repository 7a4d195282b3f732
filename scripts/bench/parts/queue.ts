/** A job that is added, fetched and answered over the relay, by the product's own queue and stream, and nothing else. */
import { newId } from '../../../src/ids.ts';
import { createLogger } from '../../../src/log.ts';
import { createProducer, type Producer } from '../../../src/queue/enqueue.ts';
import { done } from '../../../src/queue/outcome.ts';
import type { Handlers } from '../../../src/queue/run-job.ts';
import { startWorkers } from '../../../src/queue/start-workers.ts';
import { createRedis, redisReady } from '../../../src/redis.ts';
import { createLogReader } from '../../../src/stream/log-reader.ts';
import { createPublisher, type Publisher } from '../../../src/stream/publish.ts';
import { createRelay, type Relay } from '../../../src/stream/subscribe.ts';
import { asPart, type PartCall, runPart } from './part-run.ts';

const PREFIX = 'part';
const ANSWER = Buffer.alloc(750, 'x');
const log = createLogger({ role: 'bench', level: 'silent' });

function handlersFor(publisher: Publisher, channel: string): Handlers {
  const runRequest = async ({ requestId }: { requestId: string }) => {
    const writer = publisher.open({ requestId, attempt: 1, channel });
    writer.data(ANSWER);
    writer.end({ state: 'done', status: 200 });
    return done;
  };
  const nothing = async () => done;
  return {
    runRequest,
    runBackgroundRequest: runRequest,
    deliverWebhook: nothing,
    buildAccessArchive: nothing,
    purgeContent: nothing,
  } as Handlers;
}

function call(producer: Producer, relay: Relay): PartCall {
  const requestId = newId('req');
  const path = new Promise<void>((resolve, reject) => {
    const subscription = relay.subscribe(
      { requestId, afterSeq: 0, catchUp: false },
      {
        onEvent: () => undefined,
        onEnd: () => {
          subscription.close();
          resolve();
        },
        room: () => undefined,
        onGap: () => reject(new Error('an answer was lost')),
      },
    );
    producer.enqueue('runRequest', { requestId }, { jobId: requestId }).catch(reject);
  });
  return { path, whole: path };
}

async function main(windowMs: number, heatMs: number): Promise<void> {
  const url = process.env.REDIS_URL ?? '';
  const open = (purpose: 'commands' | 'blocking') => createRedis(url, purpose, log);
  const [commands, reader, subscriber] = [open('commands'), open('blocking'), open('blocking')];
  await redisReady(commands);
  const producer = createProducer(commands, PREFIX);
  const publisher = createPublisher({ redis: open('blocking'), prefix: PREFIX, ttlSeconds: 60, log });
  const logReader = createLogReader({ reader, commands, prefix: PREFIX, instanceId: 'part', log });
  const relay = await createRelay({ subscriber, logReader, prefix: PREFIX, instanceId: 'part', log });
  const workers = startWorkers({
    connection: open('blocking'),
    prefix: PREFIX,
    handlers: handlersFor(publisher, relay.channel),
    log,
    observe: () => undefined,
    concurrency: { interactive: 500, background: 1, webhooks: 1, maintenance: 1 },
    fetchLoops: 4,
    lockMs: 60_000,
    stalledIntervalMs: 30_000,
  });
  await runPart(windowMs, heatMs, () => call(producer, relay));
  await workers.drain(5_000);
}

await asPart(main);
process.exit();
