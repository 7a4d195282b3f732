import { errorBody, toErrorCode } from '../errors.ts';
import type { RequestDocument, RequestError } from '../models/request.ts';

/** How a failed request looks to its client: OpenAI's error body, or for a stream the chunk that carries it. */
export function failurePayload(
  request: Pick<RequestDocument, '_id' | 'stream' | 'model' | 'createdAt'>,
  error: RequestError,
): Buffer {
  const body = errorBody({ code: toErrorCode(error.code), message: error.message, param: null, details: {} });
  if (!request.stream) return Buffer.from(JSON.stringify(body));
  const chunk = {
    id: request._id,
    object: 'chat.completion.chunk',
    created: Math.floor(request.createdAt.getTime() / 1_000),
    model: request.model,
    // SDKs throw on a top-level `error`; an end of file alone would look like success to them.
    ...body,
    choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
  };
  return Buffer.from(JSON.stringify(chunk));
}
