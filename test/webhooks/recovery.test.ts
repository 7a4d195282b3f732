import { afterEach, describe, expect, test } from '@jest/globals';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { Request } from '../../src/models/request.ts';
import { deliveryIdOf } from '../../src/webhooks/owed.ts';
import { useStores } from '../helpers/stores.ts';
import { age, createKey, createRequest, createWorker, type OwedRow, prepare, readRow } from './fixture.ts';
import { closeReceivers, startReceiver } from './receiver.ts';

/** What happens to deliveries when workers race, die or lose the queue, and when an operator repeats one. */

useStores();

afterEach(closeReceivers);

describe('workers', () => {
  test('that attempt one delivery at the same moment send it once', async () => {
    const { receiver, worker, deliveryId } = await prepare();
    const others = Array.from({ length: 7 }, () => createWorker());
    const outcomes = await Promise.all([worker, ...others].map((each) => each.attempt(deliveryId)));
    expect(outcomes.sort()).toEqual(['delivered', ...Array(7).fill('skipped')]);
    expect(receiver.received).toHaveLength(1);
    expect((await readRow(deliveryId)).attempt).toBe(1);
  });

  test('that get many jobs at the same moment, each of them twice, send each once', async () => {
    const sent: unknown[] = [];
    const send = async (_url: string, headers: Readonly<Record<string, string>>) => {
      sent.push(headers['webhook-id']);
      return { outcome: 'delivered' as const, status: 200, ms: 1 };
    };
    const sender = { longestMs: 60_000, send };
    const [one, other] = [createWorker({ sender }), createWorker({ sender })];
    const key = await createKey({ url: 'https://hooks.example.com/' });
    const requests = await Promise.all(Array.from({ length: 20 }, () => createRequest(key)));
    const ids = await Promise.all(requests.map(async (request) => (await one.createFor(request)) ?? ''));
    const jobs = [...ids, ...ids].flatMap((id) => [one.attempt(id), other.attempt(id)]);
    const outcomes = await Promise.all(jobs);
    expect(outcomes.filter((outcome) => outcome === 'delivered')).toHaveLength(20);
    expect(outcomes.filter((outcome) => outcome === 'skipped')).toHaveLength(60);
    expect(sent).toHaveLength(20);
    expect(new Set(sent)).toEqual(new Set(ids));
  });

  test('may die between the answer and the mark: the event is sent again under the same webhook-id', async () => {
    const { receiver, worker, deliveryId } = await prepare();
    const dying = createWorker({
      sender: {
        longestMs: worker.sender.longestMs,
        send: async (...letter) => {
          await worker.sender.send(...letter);
          throw new Error('killed');
        },
      },
    });
    await expect(dying.attempt(deliveryId)).rejects.toThrow('killed');
    expect(await worker.attempt(deliveryId)).toBe('skipped');
    await age(deliveryId, 60_000);
    await worker.sweep();
    expect(worker.enqueued.at(-1)).toEqual({ deliveryId, delayMs: 0 });
    expect(await worker.attempt(deliveryId)).toBe('delivered');
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([deliveryId, deliveryId]);
    expect(receiver.received[0]?.body).toBe(receiver.received[1]?.body);
  });

  test.each([
    ['another attempt', false],
    ["an operator's repeat, which counts attempts anew", true],
  ])('that lost their lease to %s do not write over it', async (_, repeated) => {
    const { worker, deliveryId } = await prepare();
    let wake = (): void => undefined;
    let begin = (): void => undefined;
    const sending = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const paused = createWorker({
      sender: {
        longestMs: 1,
        send: () =>
          new Promise((resolve) => {
            wake = () => resolve({ outcome: 'gone', status: 410, ms: 1 });
            begin();
          }),
      },
    });
    const late = paused.attempt(deliveryId);
    await sending;
    await age(deliveryId, 60_000);
    if (repeated) expect(await worker.redeliver(deliveryId)).toBe('pending');
    expect(await worker.attempt(deliveryId)).toBe('delivered');
    wake();
    expect(await late).toBe('skipped');
    expect(await readRow(deliveryId)).toMatchObject({ state: 'delivered', attempts: [{ outcome: 'delivered' }] });
  });

  test('that cannot reach the queue lose nothing: the sweeper enqueues', async () => {
    const receiver = await startReceiver();
    const cut = createWorker({ enqueueDelivery: () => Promise.reject(new Error('Redis is away')) });
    const deliveryId = (await cut.createFor(await createRequest(await createKey({ url: receiver.url })))) ?? '';
    await cut.marksWritten();
    const worker = createWorker();
    expect(await worker.sweep()).toEqual({ created: 0, enqueued: 0 });
    await age(deliveryId, 31_000);
    expect(await worker.sweep()).toEqual({ created: 0, enqueued: 1 });
    expect(worker.enqueued).toEqual([{ deliveryId, delayMs: 0 }]);
  });
});

describe('the sweeper', () => {
  test('creates what ended requests are owed, passes over what it cannot read, and forgets aborted ones', async () => {
    const key = await createKey({ url: 'https://hooks.example.com/' });
    const owed = [await createRequest(key), await createRequest(key, { state: 'failed' })];
    const running = await createRequest(key, { state: 'running' });
    const aborted = await createRequest(key, { state: 'aborted' });
    const unreadable = await createRequest(key);
    await Request.updateOne({ _id: unreadable._id }, { $set: { callbackUrl: Buffer.from('not sealed') } });
    const worker = createWorker();
    expect((await worker.sweep()).created).toBe(2);
    expect(worker.enqueued.map(({ deliveryId }) => deliveryId).sort()).toEqual(
      owed.map(({ _id }) => deliveryIdOf(_id)).sort(),
    );
    const left = await Request.find({ webhook: 'pending', keyId: key.keyId }, { _id: 1 }).lean();
    expect(left.map(({ _id }) => _id).sort()).toEqual([running._id, unreadable._id].sort());
    expect((await Request.findById(aborted._id).lean())?.webhook).toBeUndefined();
    await Request.deleteOne({ _id: unreadable._id });
  });

  test('takes an overdue delivery once, even when several sweep at once, and none that is held', async () => {
    const { deliveryId, key } = await prepare();
    const holder = createWorker();
    const held = (await holder.createFor(await createRequest(key))) ?? '';
    await holder.marksWritten();
    await age(held, 40_000);
    await Delivery.updateOne({ _id: held }, { $set: { leaseUntil: new Date(Date.now() + 60_000) } });
    await age(deliveryId, 40_000);
    const sweepers = Array.from({ length: 4 }, () => createWorker());
    await Promise.all(sweepers.map((sweeper) => sweeper.sweep()));
    expect(sweepers.flatMap(({ enqueued }) => enqueued)).toEqual([{ deliveryId, delayMs: 0 }]);
    await Delivery.deleteMany({ _id: { $in: [held, deliveryId] } });
  });

  test('works in batches, and goes round past a batch that cannot be read', async () => {
    const key = await createKey({ url: 'https://hooks.example.com/' });
    const first = await createRequest(key);
    const copies = Array.from({ length: 204 }, (_, index) => ({
      ...first,
      _id: `req_${String(index).padStart(26, '0')}`,
      ...(index < 200 ? { callbackUrl: Buffer.from('not sealed') } : {}),
    }));
    await nativeCollection<OwedRow>(Request).insertMany(copies);
    const worker = createWorker();
    expect((await worker.sweep()).created).toBe(0);
    expect((await worker.sweep()).created).toBe(5);
    expect(await Request.countDocuments({ webhook: 'pending', keyId: key.keyId })).toBe(200);
    await Request.deleteMany({ keyId: key.keyId });
  });
});

describe('redelivery', () => {
  test('sends an ended delivery again from the start of the schedule, and keeps its log', async () => {
    const { receiver, worker, deliveryId } = await prepare((response, _, count) =>
      response.writeHead(count < 3 ? 400 : 200).end(),
    );
    await worker.attempt(deliveryId);
    await Delivery.updateOne({ _id: deliveryId }, { $set: { state: 'failed', attempt: 4 } });
    expect(await worker.redeliver(deliveryId)).toBe('pending');
    expect(worker.enqueued.at(-1)).toEqual({ deliveryId, delayMs: 0 });
    expect(await worker.attempt(deliveryId)).toBe('retry');
    expect(worker.enqueued.at(-1)).toEqual({ deliveryId, delayMs: 5_000 });
    await age(deliveryId, 6_000);
    expect(await worker.attempt(deliveryId)).toBe('delivered');
    expect(await worker.redeliver(deliveryId)).toBe('pending');
    expect((await readRow(deliveryId)).deliveredAt).toBeUndefined();
    expect(await worker.attempt(deliveryId)).toBe('delivered');
    const { attempts } = await readRow(deliveryId);
    expect(attempts.map(({ status }) => status)).toEqual([400, 400, 200, 200]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([deliveryId]));
  });

  test('leaves alone what is being sent, and says when there is nothing', async () => {
    const { worker, deliveryId } = await prepare();
    await Delivery.updateOne({ _id: deliveryId }, { $set: { attempt: 1, leaseUntil: new Date(Date.now() + 60_000) } });
    expect(await worker.redeliver(deliveryId)).toBe('in_progress');
    expect((await readRow(deliveryId)).attempt).toBe(1);
    expect(await worker.redeliver('evt_00000000000000000000000000')).toBe('not_found');
  });
});
