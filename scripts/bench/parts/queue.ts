/** A job that is added, fetched and answered over the relay, by the product's own queue and stream, and nothing else. */
import { newId } from '../../../src/ids.ts';
import type { Producer } from '../../../src/queue/enqueue.ts';
import type { Relay } from '../../../src/stream/subscribe.ts';
import { asPart, type PartCall, runPart } from './part-run.ts';
import { openQueue, openRelay } from './wires.ts';

const ANSWER = Buffer.alloc(750, 'x');

function call(producer: Pick<Producer, 'enqueue'>, relay: Relay): PartCall {
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
  const { publisher, relay } = await openRelay();
  const { producer, workers } = await openQueue(async (requestId) => {
    const writer = publisher.open({ requestId, attempt: 1, channel: relay.channel });
    writer.data(ANSWER);
    writer.end({ state: 'done', status: 200 });
  });
  await runPart(windowMs, heatMs, () => call(producer, relay));
  await workers.drain(5_000);
}

await asPart(main);
process.exit();
