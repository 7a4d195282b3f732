import type { NextFunction, Request, Response } from 'express';
import { AppError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { Metrics } from '../../metrics.ts';
import { setContext } from '../context.ts';
import { HEADERS_MAX } from '../server.ts';

const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'openai-version': '2020-10-01',
};

/** First of all: the request's own id (never the client's), headers that every answer has, and the count of answers. */
export function openCall(metrics: Metrics) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const requestId = newId('req');
    setContext(request, { requestId, startedMs: performance.now() });
    response.setHeader('x-request-id', requestId);
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.once('finish', () => {
      const route: unknown = request.route?.path;
      metrics.httpRequests.inc({ route: typeof route === 'string' ? route : 'other', status: response.statusCode });
    });
    checkHead(request);
    next();
  };
}

/** Beyond its bound Node drops headers without a word, and an Idempotency-Key or a limit could be among them. */
function checkHead(request: Request): void {
  if (request.rawHeaders.length >= 2 * HEADERS_MAX) throw new AppError('headers_too_large');
  if (request.httpVersion === '1.1' && request.headers.host === undefined) {
    throw new AppError('invalid_request', { message: 'The Host header is missing.', param: 'Host' });
  }
}
