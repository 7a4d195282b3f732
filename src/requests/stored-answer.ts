import { ERROR_CATALOGUE } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument, TERMINAL_STATES } from '../models/request.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import { toBytes } from '../privacy/sealing.ts';
import { type EndOfAnswer, type StoredEvents, unpackEvents } from '../stream/events.ts';
import { failurePayload } from './failure.ts';

/** The answer of a terminal request as its row keeps it: the same bytes that were relayed. */
export type StoredAnswer = StoredEvents & { end: EndOfAnswer };

export function isTerminal(request: Pick<RequestDocument, 'state'>): boolean {
  return (TERMINAL_STATES as readonly string[]).includes(request.state);
}

/** The row with its content; null when there is none. Callers check whose it is. */
export function findRequest(requestId: string): Promise<RequestDocument | null> {
  return nativeCollection<RequestDocument>(Request).findOne({ _id: requestId });
}

/** @throws when the content cannot be opened (its account's key was destroyed). */
export async function storedAnswer(
  request: RequestDocument,
  cipher: Pick<ContentCipher, 'open'>,
): Promise<StoredAnswer> {
  const end: EndOfAnswer = {
    state: request.state === 'done' ? 'done' : request.state === 'cancelled' ? 'cancelled' : 'failed',
    status: request.error?.status ?? 200,
    ...(request.error?.retryAfterMs === undefined ? {} : { retryAfterMs: request.error.retryAfterMs }),
  };
  if (request.result) {
    const plain = await cipher.open(request.accountId, `requests|${request._id}|result`, toBytes(request.result));
    return request.resultKind === 'sse' ? { ...unpackEvents(plain), end } : { firstSeq: 1, payloads: [plain], end };
  }
  if (request.error) return { firstSeq: 1, payloads: [failurePayload(request, request.error)], end };
  const { status, message } = ERROR_CATALOGUE.result_not_retained;
  return {
    firstSeq: 1,
    payloads: [failurePayload(request, { code: 'result_not_retained', message, status })],
    end: { state: 'failed', status },
  };
}

/**
 * The request with the words in which its failure was told: they are the provider's, so only the sealed answer has them.
 * Without that the row's own, which name the kind of failure.
 * @throws when the content cannot be opened.
 */
export async function withToldError(
  request: RequestDocument,
  cipher: Pick<ContentCipher, 'open'>,
): Promise<RequestDocument> {
  if (!request.error || !request.result) return request;
  const told = (await storedAnswer(request, cipher)).payloads.at(-1)?.toString('utf8') ?? '{}';
  const { error } = JSON.parse(told) as { error?: { message?: string } };
  return { ...request, error: { ...request.error, message: error?.message ?? request.error.message } };
}
