import { afterEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { newId } from '../../src/ids.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { Request } from '../../src/models/request.ts';
import { enableKeyWebhook } from '../../src/webhooks/key-webhook.ts';
import { newWebhookSecret } from '../../src/webhooks/sign.ts';
import { useStores } from '../helpers/stores.ts';
import { age, createKey, createRequest, createWorker, prepare, readRow, setKeyUrl, type TestKey } from './fixture.ts';
import { closeReceivers, type Receiver, startReceiver } from './receiver.ts';

useStores();
const openai = new OpenAI({ apiKey: 'unused' });
const DAY_MS = 86_400_000;

afterEach(closeReceivers);

function lastEvent({ received }: Receiver): { body: string; headers: Record<string, string> } {
  const event = received.at(-1);
  if (!event) throw new Error('nothing was received');
  const headers = Object.entries(event.headers).map(([name, value]): [string, string] => [name, String(value)]);
  return { body: event.body, headers: Object.fromEntries(headers) };
}

async function keyWebhook({ keyId }: TestKey) {
  return (await ApiKey.findById(keyId).lean())?.webhook;
}

describe('a delivery', () => {
  test('is derived from an ended request: one row, however often and by however many it is created', async () => {
    const key = await createKey({ url: 'https://hooks.example.com/secret-path' });
    const request = await createRequest(key);
    const workers = [createWorker(), createWorker(), createWorker()];
    const ids = await Promise.all(workers.flatMap((worker) => [worker.createFor(request), worker.createFor(request)]));
    const deliveryId = `evt_${request._id.slice(4)}`;
    expect(new Set(ids)).toEqual(new Set([deliveryId]));
    expect(await Delivery.countDocuments({ requestId: request._id })).toBe(1);
    expect(await readRow(deliveryId)).toMatchObject({
      type: 'request.completed',
      state: 'pending',
      attempt: 0,
      fromKey: true,
    });
    await workers[0]?.marksWritten();
    expect((await Request.findById(request._id).lean())?.webhook).toBe('created');
    expect(workers[0]?.enqueued).toContainEqual({ deliveryId, delayMs: 0 });
  });

  test.each([
    ['done', 'request.completed'],
    ['failed', 'request.failed'],
    ['cancelled', 'request.cancelled'],
  ] as const)('of a request that is %s is a %s', async (state, type) => {
    const request = await createRequest(await createKey({ url: 'https://hooks.example.com/' }), { state });
    const deliveryId = (await createWorker().createFor(request)) ?? '';
    expect((await readRow(deliveryId)).type).toBe(type);
  });

  test('goes to the URL of the request rather than to that of the key, and keeps it only sealed', async () => {
    const request = await createRequest(await createKey({ url: 'https://key.example.com/' }), {
      callbackUrl: 'https://own.example.com/secret-path',
    });
    const row = await readRow((await createWorker().createFor(request)) ?? '');
    expect(row.fromKey).toBe(false);
    expect(Buffer.from(JSON.stringify(row)).includes('example.com')).toBe(false);
  });

  test('is not made while the request runs, without a URL, or for a disabled one; nothing stays owed', async () => {
    const worker = createWorker();
    const running = await createRequest(await createKey({ url: 'https://hooks.example.com/' }), { state: 'running' });
    expect(await worker.createFor(running)).toBeUndefined();
    expect((await Request.findById(running._id).lean())?.webhook).toBe('pending');
    const disabled = await createKey({ url: 'https://hooks.example.com/' });
    await ApiKey.updateOne({ _id: disabled.keyId }, { $set: { 'webhook.disabledAt': new Date() } });
    for (const key of [await createKey(), disabled]) {
      const request = await createRequest(key);
      expect(await worker.createFor(request)).toBeUndefined();
      expect((await Request.findById(request._id).lean())?.webhook).toBeUndefined();
      expect(await Delivery.countDocuments({ requestId: request._id })).toBe(0);
    }
  });

  test('reaches its receiver signed as the openai SDK and standardwebhooks want it, once', async () => {
    const { receiver, key, request, worker, deliveryId } = await prepare();
    expect(await worker.attempt(deliveryId)).toBe('delivered');
    const { body, headers } = lastEvent(receiver);
    const event = { id: deliveryId, object: 'event', type: 'request.completed', data: { id: request._id } };
    expect(await openai.webhooks.unwrap(body, headers, key.secrets[0])).toMatchObject(event);
    expect(new Webhook(key.secrets[0] ?? '').verify(body, headers)).toMatchObject(event);
    expect(headers['webhook-id']).toBe(deliveryId);
    await expect(openai.webhooks.unwrap(`${body} `, headers, key.secrets[0])).rejects.toThrow('signature');
    const row = await readRow(deliveryId);
    expect(row).toMatchObject({ state: 'delivered', attempt: 1, attempts: [{ outcome: 'delivered', status: 200 }] });
    expect(row.deliveredAt).toBeInstanceOf(Date);
    expect(row.leaseUntil).toBeUndefined();
    expect(await worker.attempt(deliveryId)).toBe('skipped');
    expect(receiver.received).toHaveLength(1);
  });

  test('carries a signature of every secret while one is replaced', async () => {
    const { receiver, key, worker, deliveryId } = await prepare(200, { secrets: 2 });
    await worker.attempt(deliveryId);
    const { body, headers } = lastEvent(receiver);
    for (const secret of key.secrets) await openai.webhooks.unwrap(body, headers, secret);
    await expect(openai.webhooks.unwrap(body, headers, newWebhookSecret())).rejects.toThrow('signature');
  });
});

describe('a receiver that fails', () => {
  test('is tried again on schedule under the same webhook-id, then given up', async () => {
    const { receiver, worker, deliveryId } = await prepare(500);
    const outcomes: string[] = [];
    for (let count = 0; count < 4; count++) {
      outcomes.push(await worker.attempt(deliveryId));
      expect(await worker.attempt(deliveryId)).toBe('skipped');
      await age(deliveryId, DAY_MS);
    }
    expect(outcomes).toEqual(['retry', 'retry', 'retry', 'failed']);
    expect(worker.enqueued.map(({ delayMs }) => delayMs)).toEqual([0, 5_000, 300_000, 1_800_000]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([deliveryId]));
    expect(receiver.received).toHaveLength(4);
    const row = await readRow(deliveryId);
    expect(row).toMatchObject({ state: 'failed', attempt: 4 });
    expect(row.attempts).toHaveLength(4);
    expect(row.attempts[0]).toMatchObject({ outcome: 'http', status: 500, at: expect.any(Date) });
  });

  test('and comes back gets the event', async () => {
    const { worker, deliveryId } = await prepare((response, _, count) =>
      response.writeHead(count === 1 ? 500 : 200).end(),
    );
    expect(await worker.attempt(deliveryId)).toBe('retry');
    await age(deliveryId, 6_000);
    expect(await worker.attempt(deliveryId)).toBe('delivered');
  });

  test('decides with Retry-After when it is tried again, unless the schedule is later', async () => {
    const { worker, deliveryId } = await prepare((response) =>
      response.writeHead(429, { 'retry-after': '3600' }).end(),
    );
    expect(await worker.attempt(deliveryId)).toBe('retry');
    expect(worker.enqueued.at(-1)).toEqual({ deliveryId, delayMs: 3_600_000 });
    const { nextAttemptAt } = await readRow(deliveryId);
    expect(nextAttemptAt.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
  });

  test('with 410 is not tried again, and the webhook of its key is disabled with all that wait for it', async () => {
    const { receiver, key, worker, deliveryId } = await prepare(410);
    const waiting = (await worker.createFor(await createRequest(key))) ?? '';
    expect(await worker.attempt(deliveryId)).toBe('disabled');
    expect(await keyWebhook(key)).toMatchObject({ disabledAt: expect.any(Date), disabledReason: 'gone' });
    expect(await worker.attempt(waiting)).toBe('disabled');
    expect((await readRow(waiting)).attempts).toMatchObject([{ outcome: 'disabled' }]);
    expect(await worker.createFor(await createRequest(key))).toBeUndefined();
    expect(receiver.received).toHaveLength(1);
  });

  test('with 410 stops a key only until its webhooks are switched on again', async () => {
    const { key, worker, deliveryId } = await prepare(410);
    expect(await worker.attempt(deliveryId)).toBe('disabled');
    await enableKeyWebhook(key.keyId);
    const { disabledAt, disabledReason } = (await keyWebhook(key)) ?? {};
    expect([disabledAt, disabledReason]).toEqual([undefined, undefined]);
    expect(await worker.createFor(await createRequest(key))).toBeDefined();
    await expect(enableKeyWebhook(key.keyId)).rejects.toMatchObject({ code: 'state_conflict' });
    await expect(enableKeyWebhook(newId('key'))).rejects.toMatchObject({ code: 'not_found' });
  });

  test('with 410 at the URL of a request leaves the key alone', async () => {
    const { key, worker, deliveryId } = await prepare(410, { ownUrl: true });
    expect(await worker.attempt(deliveryId)).toBe('disabled');
    expect((await keyWebhook(key))?.disabledAt).toBeUndefined();
  });

  test('with 410 does not disable the URL its owner has moved to meanwhile; later attempts go there', async () => {
    const moved = await startReceiver();
    const { key, worker, deliveryId } = await prepare((response) => {
      void setKeyUrl(key, moved.url).then(() => response.writeHead(410).end());
    });
    expect(await worker.attempt(deliveryId)).toBe('disabled');
    expect((await keyWebhook(key))?.disabledAt).toBeUndefined();
    await worker.redeliver(deliveryId);
    expect(await worker.attempt(deliveryId)).toBe('delivered');
    expect(moved.received).toHaveLength(1);
  });

  test('with a redirect is not followed', async () => {
    const target = await startReceiver();
    const { worker, deliveryId } = await prepare((response) => response.writeHead(302, { location: target.url }).end());
    expect(await worker.attempt(deliveryId)).toBe('retry');
    expect((await readRow(deliveryId)).attempts).toMatchObject([{ outcome: 'redirect', status: 302 }]);
    expect(target.received).toEqual([]);
  });

  test('keeps a log of its last fifty attempts', async () => {
    const { worker, deliveryId } = await prepare(500);
    const old = Array.from({ length: 50 }, (_, index) => ({ at: new Date(index), outcome: 'old', ms: index }));
    await Delivery.updateOne({ _id: deliveryId }, { $set: { attempts: old } });
    await worker.attempt(deliveryId);
    const { attempts } = await readRow(deliveryId);
    expect(attempts).toHaveLength(50);
    expect(attempts[0]).toMatchObject({ outcome: 'old', ms: 1 });
    expect(attempts.at(-1)).toMatchObject({ outcome: 'http' });
  });
});

describe('what cannot be sent', () => {
  test('is recorded and retried: no secret, content key gone, event not built', async () => {
    const receiver = await startReceiver();
    const unsigned = await createKey({ url: receiver.url, secrets: 0 });
    const plain = await createKey({ url: receiver.url });
    const worker = createWorker();
    const erased = createWorker({
      open: () => Promise.reject(new Error('the data key of this account does not exist')),
    });
    const broken = createWorker({ buildEvent: () => Promise.reject(new Error('no')) });
    for (const [by, key, outcome] of [
      [worker, unsigned, 'no_secret'],
      [erased, plain, 'unreadable'],
      [broken, plain, 'event_failed'],
    ] as const) {
      const deliveryId = (await worker.createFor(await createRequest(key))) ?? '';
      expect(await by.attempt(deliveryId)).toBe('retry');
      expect((await readRow(deliveryId)).attempts).toMatchObject([{ outcome, ms: 0 }]);
    }
    expect(receiver.received).toEqual([]);
  });

  test('to a URL that is not allowed fails at once', async () => {
    const worker = createWorker();
    const request = await createRequest(await createKey(), { callbackUrl: 'http://10.0.0.1/' });
    const deliveryId = (await worker.createFor(request)) ?? '';
    expect(await worker.attempt(deliveryId)).toBe('failed');
    expect((await readRow(deliveryId)).attempts).toMatchObject([{ outcome: 'blocked_url' }]);
  });

  test('because its host has no room is put back without counting', async () => {
    const { worker, deliveryId } = await prepare();
    const full = createWorker({
      sender: { longestMs: 1, send: async () => ({ outcome: 'busy', retryAfterMs: 9_000, ms: 0 }) },
    });
    expect(await full.attempt(deliveryId)).toBe('put_back');
    expect(full.enqueued).toEqual([{ deliveryId, delayMs: 9_000 }]);
    expect(await readRow(deliveryId)).toMatchObject({ state: 'pending', attempt: 0, attempts: [] });
    await age(deliveryId, 10_000);
    expect(await worker.attempt(deliveryId)).toBe('delivered');
  });
});
