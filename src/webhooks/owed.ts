import { crashPoint } from '../crash-point.ts';
import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import type { DeliveryType } from '../models/delivery.ts';
import { Request, type RequestDocument, type RequestState } from '../models/request.ts';
import type { DeliveryWriter } from './delivery-writer.ts';
import { keyWebhook, usableUrl } from './key-webhook.ts';
import { type Open, openText, type Seal, type SealedField, sealedAt } from './sealed.ts';

/** From an ended request to its delivery row. The row is derived, so creating it twice, or after a crash, is the same. */

/** What `createFor` reads. `callbackUrl` must not be projected away: without it the key's own URL is used. */
export type EndedRequest = Pick<RequestDocument, '_id' | 'accountId' | 'keyId'> & {
  state: RequestState;
  callbackUrl?: SealedField | undefined;
};

/** Marks on requests that their delivery is there: hints that nobody waits for, so that most of them share a statement. */
export type RequestMarks = {
  markDeliveryCreated(requestId: string): Promise<void>;
  /** Writes those that wait. */
  marksWritten(): Promise<void>;
};

export type OwedOptions = {
  open: Open;
  seal: Seal;
  writer: Pick<DeliveryWriter, 'insert'>;
  marks: RequestMarks;
  /** Called with every delivery that was created, or found created already. */
  enqueue: (deliveryId: string) => Promise<void>;
  log: Pick<Logger, 'warn'>;
};

export type Owed = {
  createFor(request: EndedRequest): Promise<string | undefined>;
  /** One bounded batch of requests that are owed a delivery; gives how many were created. */
  createBatch(): Promise<number>;
};

const TYPES: ReadonlyMap<RequestState, DeliveryType> = new Map([
  ['done', 'request.completed'],
  ['failed', 'request.failed'],
  ['cancelled', 'request.cancelled'],
]);
const BATCH_MAX = 200;

const requests = () => nativeCollection<RequestDocument>(Request);

/** `evt_…` of `req_…`: one event per request, whoever creates it and however often. */
export function deliveryIdOf(requestId: string): string {
  return `evt_${requestId.slice('req_'.length)}`;
}

export function createOwed({ open, seal, writer, marks, enqueue, log }: OwedOptions): Owed {
  let batchAfter = '';

  async function targetOf(request: EndedRequest): Promise<{ url: string; fromKey: boolean } | undefined> {
    const { _id, accountId, keyId, callbackUrl } = request;
    if (callbackUrl)
      return { url: await openText(open, accountId, sealedAt.requestUrl(_id), callbackUrl), fromKey: false };
    const sealed = usableUrl(await keyWebhook(keyId));
    return sealed && { url: await openText(open, accountId, sealedAt.keyUrl(keyId), sealed), fromKey: true };
  }

  async function createFor(request: EndedRequest): Promise<string | undefined> {
    const { _id: requestId, accountId, keyId, state } = request;
    const type = TYPES.get(state);
    if (!type) return undefined;
    const target = await targetOf(request);
    if (!target) {
      await requests().updateOne({ _id: requestId, webhook: 'pending' }, { $unset: { webhook: 1 } });
      return undefined;
    }
    const _id = deliveryIdOf(requestId);
    const { fromKey } = target;
    const url = Buffer.from(await seal(accountId, sealedAt.deliveryUrl(_id), Buffer.from(target.url)));
    const now = new Date();
    const fresh = { state: 'pending' as const, attempt: 0, nextAttemptAt: now, attempts: [], createdAt: now };
    await writer.insert({ _id, requestId, accountId, keyId, type, url, fromKey, ...fresh });
    crashPoint('webhook.after_create');
    // Where the mark is missing the sweeper does all of this again, to the same end.
    marks.markDeliveryCreated(requestId).catch(() => undefined);
    await enqueue(_id);
    return _id;
  }

  /** Goes round, batch after batch, so that requests which cannot be read do not hold up the ones behind them. */
  async function nextBatch(): Promise<EndedRequest[]> {
    const batch = await requests()
      .find({ webhook: 'pending', state: { $in: [...TYPES.keys()] }, _id: { $gt: batchAfter } })
      .sort({ _id: 1 })
      .limit(BATCH_MAX)
      .project<EndedRequest>({ accountId: 1, keyId: 1, state: 1, callbackUrl: 1 })
      .toArray();
    batchAfter = batch.length === BATCH_MAX ? (batch.at(-1)?._id ?? '') : '';
    return batch;
  }

  async function createBatch(): Promise<number> {
    // An aborted request was never accepted for its client, so nobody waits to hear of it.
    await requests().updateMany({ webhook: 'pending', state: 'aborted' }, { $unset: { webhook: 1 } });
    await marks.marksWritten();
    let created = 0;
    for (const request of await nextBatch()) {
      try {
        if ((await createFor(request)) !== undefined) created++;
      } catch (error) {
        log.warn({ requestId: request._id, err: error }, 'delivery not created');
      }
    }
    await marks.marksWritten();
    return created;
  }

  return { createFor, createBatch };
}
