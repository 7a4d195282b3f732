/**
 * What no request can do without, all of it together and with both halves in one process: its writes, the queue, the provider's
 * answer, the relay. And nothing around it: no key is looked at, no limit, no price; prompts are not sealed and not kept.
 */
import { createMetrics } from '../../../src/metrics.ts';
import type { RequestDocument } from '../../../src/models/request.ts';
import { listen } from './listen.ts';
import { type Asked, openWayOfChunks } from './way-of-chunks.ts';
import { openQueue, openRelay } from './wires.ts';
import { openWrites } from './writes.ts';

const metrics = createMetrics();
const writes = await openWrites();
const way = openWayOfChunks(await openRelay());
const accepted = new Map<string, { asked: Asked; request: RequestDocument }>();

const { producer } = await openQueue(async (requestId) => {
  const found = accepted.get(requestId);
  if (!found) return;
  accepted.delete(requestId);
  const attempt = await writes.claim(requestId);
  const { payloads, end } = await way.run(found.asked);
  await writes.finish(requestId, attempt, Buffer.concat(payloads));
  const knownAtMs = performance.now();
  end();
  await writes.settle(found.request);
  metrics.settleLag.observe((performance.now() - knownAtMs) / 1_000);
});

listen(async ({ body, stream }, response) => {
  const request = await writes.accept(stream);
  const asked = { requestId: request._id, body, stream };
  accepted.set(request._id, { asked, request });
  way.answer(asked, response);
  await producer.enqueue('runRequest', { requestId: request._id }, { jobId: request._id });
}, metrics.registry.metrics.bind(metrics.registry));
