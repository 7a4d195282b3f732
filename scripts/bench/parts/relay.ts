/**
 * A stream from the provider to the client by the product's own adapter, parser, publisher, kept log, relay and event stream,
 * over Redis, with both halves in one process; and nothing else: no key, no money, no queue, no database.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Response } from 'express';
import { EventStream } from '../../../src/api/event-stream.ts';
import { newId } from '../../../src/ids.ts';
import { createLogger } from '../../../src/log.ts';
import { KEY_BYTES, openWith, placeOf, sealWith } from '../../../src/privacy/sealing.ts';
import { createOpenAiCompatible } from '../../../src/providers/openai-compatible.ts';
import { createRedis, redisReady } from '../../../src/redis.ts';
import { StreamedAnswer } from '../../../src/requests/answer.ts';
import { createLogReader } from '../../../src/stream/log-reader.ts';
import { createPublisher } from '../../../src/stream/publish.ts';
import { createRelay } from '../../../src/stream/subscribe.ts';

const PREFIX = 'part';
const DEADLINE_MS = 120_000;
const upstream = process.env.PART_UPSTREAM ?? '';
const log = createLogger({ role: 'bench', level: 'silent' });
const open = (purpose: 'commands' | 'blocking') => createRedis(process.env.REDIS_URL ?? '', purpose, log);
const [commands, reader, subscriber] = [open('commands'), open('blocking'), open('blocking')];
await redisReady(commands);
const publisher = createPublisher({ redis: open('blocking'), prefix: PREFIX, ttlSeconds: 60, log });
const logReader = createLogReader({ reader, commands, prefix: PREFIX, instanceId: 'part', log });
const relay = await createRelay({ subscriber, logReader, prefix: PREFIX, instanceId: 'part', log });
const provider = createOpenAiCompatible({
  connectTimeoutMs: 5_000,
  firstByteTimeoutMs: DEADLINE_MS,
  idleTimeoutMs: DEADLINE_MS,
  bytesMax: 16 * 1024 * 1024,
  connectionsMax: 2_000,
});

const KEY_VERSION = 1;
const key = randomBytes(KEY_BYTES);
const placeIn = (requestId: string) => placeOf(KEY_VERSION, requestId, 'stream');

/** The worker's half. */
async function run(requestId: string, body: string): Promise<void> {
  const place = placeIn(requestId);
  const seal = (plain: Uint8Array) => sealWith(key, KEY_VERSION, place, plain);
  const writer = publisher.open({ requestId, attempt: 1, channel: relay.channel, seal });
  const target = { routeId: 'part', providerId: 'part', baseUrl: upstream, headers: {}, apiKey: undefined };
  const { signal } = new AbortController();
  const answer = await provider.call(target, { path: '/chat/completions', body, stream: true, requestId }, signal);
  const streamed = new StreamedAnswer(true);
  await answer.read((bytes) => {
    for (const payload of streamed.push(bytes)) writer.data(payload);
    return streamed.complete ? 'enough' : publisher.room();
  });
  streamed.end();
  writer.data(Buffer.from('[DONE]'));
  writer.end({ state: 'done', status: 200 });
}

/** The api's half. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = JSON.stringify(await json(request));
  const requestId = newId('req');
  const stream = new EventStream(response as Response, { heartbeatMs: 15_000, bufferBytesMax: 1024 * 1024 });
  const subscription = relay.subscribe(
    { requestId, afterSeq: 0, catchUp: false, open: (sealed) => openWith(key, placeIn(requestId), sealed) },
    {
      onEvent: (seq, payload) => stream.event(seq, payload),
      onEnd: () => {
        stream.end();
        subscription.close();
      },
      room: () => stream.room(),
      onGap: () => response.destroy(),
    },
  );
  await run(requestId, body);
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
