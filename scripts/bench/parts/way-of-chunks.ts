import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Response } from 'express';
import { EventStream, endAnswer } from '../../../src/api/event-stream.ts';
import { KEY_BYTES, openWith, placeOf, sealWith } from '../../../src/privacy/sealing.ts';
import { createOpenAiCompatible } from '../../../src/providers/openai-compatible.ts';
import { StreamedAnswer } from '../../../src/requests/answer.ts';
import type { EventWriter } from '../../../src/stream/publish.ts';
import type { RelayWires } from './wires.ts';

/** From the provider over the relay to the client, by the product's own adapter, parser, publisher, relay and event stream. */

const DEADLINE_MS = 120_000;
const KEY_VERSION = 1;

export type Asked = { requestId: string; body: string; stream: boolean };

export type WayOfChunks = {
  /** The worker's half: calls the provider and publishes what may go out before the end. */
  run(asked: Asked): Promise<{ payloads: Buffer[]; end: () => void }>;
  /** The api's half: passes on what is published. Begins at once. */
  answer(asked: Asked, response: ServerResponse): void;
};

export function openWayOfChunks({ publisher, relay }: RelayWires): WayOfChunks {
  const provider = createOpenAiCompatible({
    connectTimeoutMs: 5_000,
    firstByteTimeoutMs: DEADLINE_MS,
    idleTimeoutMs: DEADLINE_MS,
    bytesMax: 16 * 1024 * 1024,
    connectionsMax: 2_000,
  });
  const target = { routeId: 'part', providerId: 'part', baseUrl: process.env.PART_UPSTREAM ?? '', headers: {} };
  const key = randomBytes(KEY_BYTES);
  const placeIn = (requestId: string) => placeOf(KEY_VERSION, requestId, 'stream');
  const seal = (requestId: string) => {
    const place = placeIn(requestId);
    return (plain: Uint8Array) => sealWith(key, KEY_VERSION, place, plain);
  };

  const call = ({ requestId, body, stream }: Asked) =>
    provider.call(
      { ...target, apiKey: undefined },
      { path: '/chat/completions', body, stream, requestId },
      new AbortController().signal,
    );

  async function relayStream(asked: Asked, writer: EventWriter): Promise<{ payloads: Buffer[]; closing: Buffer }> {
    const answer = await call(asked);
    const streamed = new StreamedAnswer(true);
    const payloads: Buffer[] = [];
    await answer.read((bytes) => {
      for (const payload of streamed.push(bytes)) {
        payloads.push(payload);
        writer.data(payload);
      }
      return streamed.complete ? 'enough' : publisher.room();
    });
    streamed.end();
    return { payloads, closing: Buffer.from('[DONE]') };
  }

  async function readWhole(asked: Asked): Promise<{ payloads: Buffer[]; closing: Buffer }> {
    const answer = await call(asked);
    const chunks: Buffer[] = [];
    await answer.read((bytes) => {
      chunks.push(bytes);
      return undefined;
    });
    const closing = Buffer.concat(chunks);
    return { payloads: [closing], closing };
  }

  return {
    run: async (asked) => {
      const { requestId, stream } = asked;
      const sealed = stream ? { seal: seal(requestId) } : {};
      const writer = publisher.open({ requestId, attempt: 1, channel: relay.channel, ...sealed });
      const { payloads, closing } = stream ? await relayStream(asked, writer) : await readWhole(asked);
      const end = () => {
        writer.data(closing);
        writer.end({ state: 'done', status: 200 });
      };
      return { payloads, end };
    },
    answer: ({ requestId, stream }, response) => {
      const limits = { heartbeatMs: 15_000, bufferBytesMax: 1024 * 1024 };
      const events = stream ? new EventStream(response as Response, limits) : undefined;
      let whole = Buffer.alloc(0);
      const open = stream ? { open: (sealed: Uint8Array) => openWith(key, placeIn(requestId), sealed) } : {};
      const subscription = relay.subscribe(
        { requestId, afterSeq: 0, catchUp: false, ...open },
        {
          onEvent: (seq, payload) => {
            if (events) events.event(seq, payload);
            else whole = payload as Buffer<ArrayBuffer>;
          },
          onEnd: () => {
            subscription.close();
            if (events) return events.end();
            response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length });
            endAnswer(response as Response, limits.heartbeatMs, whole);
          },
          room: () => events?.room(),
          onGap: () => response.destroy(),
        },
      );
    },
  };
}
