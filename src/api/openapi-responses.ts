import { z } from 'zod';
import { errorResponse } from './schemas.ts';

/** Parts of which the operations of the OpenAPI document are made. */

export const security = [{ apiKey: [] }];
export const json = (schema: z.ZodType, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
export const events = (description: string) => ({
  description,
  content: { 'text/event-stream': { schema: z.string() } },
});
export const errors = (...statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [status, json(errorResponse, ERROR_TEXTS[status] ?? 'Error')]));

const ERROR_TEXTS: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'The API key is missing or not valid',
  402: 'Not enough money, or a spend limit is reached; the body says what is available, held and needed',
  403: 'The key or account may not do this',
  404: 'Not found',
  409: 'The answer of this request is not kept any more',
  413: 'The body is too large',
  415: 'Not uncompressed UTF-8 JSON',
  422: 'The Idempotency-Key was used with another request',
  429: 'A rate limit is reached; see Retry-After',
  502: 'The provider failed',
  503: 'Busy or unavailable; see Retry-After',
  504: 'Not answered in time',
};
