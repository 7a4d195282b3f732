import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { createFollower, type Follower } from '../../src/requests/follow.ts';
import { type EndOfAnswer, packEvents } from '../../src/stream/events.ts';
import type { Listener } from '../../src/stream/subscribe.ts';
import { eventually } from '../helpers/eventually.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** Followers whose relay stays silent: the row is what is left. */
useStores();
const cipher = createContentCipher(new Map([[1, randomBytes(32)]]));
const accountId = newId('acc');

let follower: Follower | undefined;
afterEach(async () => {
  await follower?.close();
});

function silentFollower(lastSeq = 0) {
  const listeners: Listener[] = [];
  follower = createFollower({
    relay: {
      channel: 'none',
      subscribe: (_options, listener) => {
        listeners.push(listener);
        return { lastSeq: () => lastSeq, ended: () => false, close: () => undefined };
      },
      close: async () => undefined,
    },
    cipher,
    log: createLogger({ role: 'test', level: 'silent' }),
  });
  return { follow: follower.follow, open: follower.open, listeners };
}

type Heard = { seqs: number[]; texts: string[]; ends: EndOfAnswer[]; lost: unknown[] };

function sink(heard: Heard) {
  return {
    onEvent: (seq: number, payload: Buffer) => {
      heard.seqs.push(seq);
      heard.texts.push(payload.toString());
    },
    onEnd: (end: EndOfAnswer) => heard.ends.push(end),
    onLost: (error: unknown) => heard.lost.push(error),
    room: () => undefined,
  };
}
const nothing = (): Heard => ({ seqs: [], texts: [], ends: [], lost: [] });

const running = (_id = newId('req')) =>
  ({ _id, accountId, stream: true, state: 'running', model: 'm', createdAt: new Date() }) as RequestDocument;

/** A row that says only what the follower reads. */
async function endedRow(state: 'done' | 'failed', payloads: string[], firstSeq = 1): Promise<RequestDocument> {
  const _id = newId('req');
  const packed = packEvents({ firstSeq, payloads: payloads.map((text) => Buffer.from(text)) });
  const row = {
    ...running(_id),
    state,
    result: await cipher.seal(accountId, `requests|${_id}|result`, packed),
    resultKind: 'sse',
    ...(state === 'failed' ? { error: { code: 'interrupted', message: 'interrupted', status: 502 } } : {}),
  } as RequestDocument;
  await requests().insertOne(row, { bypassDocumentValidation: true });
  return row;
}

test('an end nobody told is found in the row, also behind a thousand followers that wait longer', async () => {
  const { follow, open } = silentFollower();
  for (let n = 0; n < 1_200; n++) await follow(running(), { afterSeq: 0, attach: false }, sink(nothing()));
  const heard = nothing();
  const { _id } = await endedRow('done', ['one', '[DONE]']);
  await follow(running(_id), { afterSeq: 0, attach: false }, sink(heard));
  await eventually(() => expect(heard.ends).toHaveLength(1));
  expect(heard).toEqual({ seqs: [1, 2], texts: ['one', '[DONE]'], ends: [{ state: 'done', status: 200 }], lost: [] });
  expect(open()).toBe(1_200);
});

test('a failure is told to a client that saw more than was kept, and not again to one that saw just that', async () => {
  const row = await endedRow('failed', ['one', 'two', 'failure']);
  const after = async (afterSeq: number) => {
    const heard = nothing();
    await silentFollower().follow(row, { afterSeq, attach: true }, sink(heard));
    await eventually(() => expect(heard.ends).toEqual([{ state: 'failed', status: 502 }]));
    return heard.seqs.map((seq, n) => `${seq} ${heard.texts[n]}`);
  };
  expect(await after(0)).toEqual(['1 one', '2 two', '3 failure']);
  expect(await after(2)).toEqual(['3 failure']);
  expect(await after(3)).toEqual([]);
  expect(await after(7)).toEqual(['8 failure']);
});

test('a result that can no longer be opened is a loss, not a silence', async () => {
  const row = await endedRow('done', ['one']);
  const heard = nothing();
  await silentFollower().follow({ ...row, result: randomBytes(64) }, { afterSeq: 0, attach: true }, sink(heard));
  await eventually(() => expect(heard.lost).toHaveLength(1));
  expect(heard.ends).toEqual([]);
});

test('a gap without a log is filled from the row at once when it is there', async () => {
  const { follow, listeners } = silentFollower();
  const row = await endedRow('done', ['one', '[DONE]']);
  const heard = nothing();
  await follow({ ...row, state: 'running' }, { afterSeq: 0, attach: false }, sink(heard));
  expect(heard.ends).toEqual([]);
  listeners[0]?.onGap();
  await eventually(() => expect(heard).toMatchObject({ seqs: [1, 2], ends: [{ state: 'done' }] }));
});
