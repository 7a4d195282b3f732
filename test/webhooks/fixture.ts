import { randomBytes } from 'node:crypto';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { ApiKey, type ApiKeyDocument } from '../../src/models/api-key.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery, type DeliveryDocument } from '../../src/models/delivery.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { createRequestWriter } from '../../src/requests/writer.ts';
import { createDeliveries, type DeliveriesOptions } from '../../src/webhooks/deliver.ts';
import { webhookEvent } from '../../src/webhooks/event.ts';
import { createWebhookSender } from '../../src/webhooks/send.ts';
import { newWebhookSecret } from '../../src/webhooks/sign.ts';
import { type Answer, startReceiver } from './receiver.ts';

/** Accounts, keys, ended requests and deliveries with real encryption, for tests of the whole path of a webhook. */

export const MASTER_KEY = randomBytes(32);
export const cipher = createContentCipher(new Map([[1, MASTER_KEY]]));
export const retryDelaysMs = [5_000, 300_000, 1_800_000];

const seal = (accountId: string, context: string, text: string): Promise<Buffer> =>
  cipher.seal(accountId, context, Buffer.from(text));

type KeyRow = Pick<ApiKeyDocument, '_id' | 'accountId' | 'digest' | 'webhook'>;
export type TestKey = { accountId: string; keyId: string; secrets: string[] };

/** A key of a new account, with `url` as its webhook's address and as many secrets as asked for. */
export async function createKey(options: { url?: string; secrets?: number } = {}): Promise<TestKey> {
  const { url, secrets: count = 1 } = options;
  const [accountId, keyId] = [newId('acc'), newId('key')];
  const secrets = Array.from({ length: count }, newWebhookSecret);
  const sealedUrl = url === undefined ? {} : { url: await seal(accountId, `api_keys|${keyId}|webhook.url`, url) };
  const sealedSecrets = secrets.map((secret) => seal(accountId, `api_keys|${keyId}|webhook.secret`, secret));
  const digest = randomBytes(16).toString('hex');
  const webhook = { ...sealedUrl, secrets: await Promise.all(sealedSecrets) };
  await nativeCollection<KeyRow>(ApiKey).insertOne({ _id: keyId, accountId, digest, webhook });
  return { accountId, keyId, secrets };
}

export async function setKeyUrl({ accountId, keyId }: TestKey, url: string): Promise<void> {
  const sealed = await seal(accountId, `api_keys|${keyId}|webhook.url`, url);
  await ApiKey.updateOne({ _id: keyId }, { $set: { 'webhook.url': sealed }, $unset: { 'webhook.disabledAt': 1 } });
}

/** What webhooks and the collection's validator look at; the other fields of a request do not matter here. */
export type OwedRow = Pick<
  RequestDocument,
  '_id' | 'accountId' | 'keyId' | 'state' | 'webhook' | 'attempt' | 'holdMicros' | 'settled' | 'callbackUrl'
>;

/** A request of that key that is owed a webhook. */
export async function createRequest(
  { accountId, keyId }: TestKey,
  options: { state?: RequestDocument['state']; callbackUrl?: string } = {},
): Promise<OwedRow> {
  const { state = 'done', callbackUrl: url } = options;
  const _id = newId('req');
  const callbackUrl =
    url === undefined ? {} : { callbackUrl: await seal(accountId, `requests|${_id}|callbackUrl`, url) };
  const ended = { attempt: 1, holdMicros: 0n, settled: true };
  const row: OwedRow = { _id, accountId, keyId, state, webhook: 'pending', ...ended, ...callbackUrl };
  await nativeCollection<OwedRow>(Request).insertOne(row);
  return row;
}

export type Enqueued = { deliveryId: string; delayMs: number };

/** Deliveries as one worker has them, with a real sender; what they enqueue is kept for the test to look at. */
export function createWorker(options: Partial<DeliveriesOptions> = {}) {
  const enqueued: Enqueued[] = [];
  const sender = createWebhookSender({ connectTimeoutMs: 2_000, totalTimeoutMs: 5_000, allowLoopback: true });
  const marks = createRequestWriter({ worker: newId('wrk'), leaseMs: 60_000 });
  const deliveries = createDeliveries({
    sender,
    marks,
    enqueueDelivery: async (deliveryId, delayMs) => {
      enqueued.push({ deliveryId, delayMs });
    },
    open: (accountId, context, sealed) => cipher.open(accountId, context, sealed),
    seal: (accountId, context, plain) => cipher.seal(accountId, context, plain),
    buildEvent: async ({ _id, type, createdAt, requestId }) =>
      webhookEvent({ deliveryId: _id, type, createdAt, data: { id: requestId } }),
    retryDelaysMs,
    overdueMs: 30_000,
    random: () => 0.5,
    log: createLogger({ role: 'test', level: 'silent' }),
    ...options,
  });
  return { ...deliveries, sender, enqueued, marksWritten: marks.marksWritten };
}

export async function readRow(deliveryId: string): Promise<DeliveryDocument> {
  const row = await Delivery.findById(deliveryId).lean<DeliveryDocument>();
  if (!row) throw new Error(`${deliveryId} does not exist`);
  return row;
}

/** As if `ms` had passed for this delivery: its lease and its waiting are that much older. */
export async function age(deliveryId: string, ms: number): Promise<void> {
  const older = (field: string) => ({ $cond: [{ $gt: [field, null] }, { $subtract: [field, ms] }, '$$REMOVE'] });
  await nativeCollection<DeliveryDocument>(Delivery).updateOne({ _id: deliveryId }, [
    { $set: { nextAttemptAt: older('$nextAttemptAt'), leaseUntil: older('$leaseUntil') } },
  ]);
}

/** A receiver, a key that points to it, an ended request and its delivery, ready for the first attempt. */
export async function prepare(answer: Answer | number = 200, options: { secrets?: number; ownUrl?: boolean } = {}) {
  const receiver = await startReceiver(answer);
  const { secrets = 1, ownUrl = false } = options;
  const key = await createKey({ secrets, ...(ownUrl ? {} : { url: receiver.url }) });
  const request = await createRequest(key, ownUrl ? { callbackUrl: receiver.url } : {});
  const worker = createWorker();
  const deliveryId = (await worker.createFor(request)) ?? '';
  await worker.marksWritten();
  return { receiver, key, request, worker, deliveryId };
}
