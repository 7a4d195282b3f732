import { createGroupedRead } from '../grouped-read.ts';
import { nativeCollection } from '../models/connect.ts';
import type { DeliveryDocument } from '../models/delivery.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import { presentRequest } from '../requests/present.ts';
import { storedAnswer, withToldError } from '../requests/stored-answer.ts';
import { webhookEvent } from '../webhooks/event.ts';

/** Rows with their whole answers, so a few at a time. */
const REQUESTS_MAX = 10;
const readRequest = createGroupedRead(() => nativeCollection<RequestDocument>(Request), {}, REQUESTS_MAX);

/**
 * The event of an ended request: the request object and, when it is a plain answer of moderate size, the answer itself.
 * @throws when the request is gone; the delivery then ends as failed after its schedule.
 */
export async function buildRequestEvent(
  delivery: DeliveryDocument,
  options: { cipher: Pick<ContentCipher, 'open'>; inlineBytesMax: number },
): Promise<string> {
  const found = await readRequest(delivery.requestId);
  if (!found) throw new Error(`request ${delivery.requestId} of a delivery is gone`);
  const request = await withToldError(found, options.cipher);
  // `settled` changes between attempts and says nothing to a receiver.
  const { settled: _settled, ...receipt } = presentRequest(request).receipt;
  const data = { ...presentRequest(request), receipt };
  const hasAnswer = request.state === 'done' && !request.stream && request.result !== undefined;
  const answer = hasAnswer ? (await storedAnswer(request, options.cipher)).payloads[0]?.toString('utf8') : undefined;
  return webhookEvent({
    deliveryId: delivery._id,
    type: delivery.type,
    createdAt: delivery.createdAt,
    data,
    ...(answer === undefined ? {} : { response: { json: answer, bytesMax: options.inlineBytesMax } }),
  });
}
