import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { AppError, errorBody, toAppError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { contextOf } from '../context.ts';

/** What a client that was refused may still send before its connection is closed under it. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;
const UNREAD_MS_MAX = 5_000;

/** Nothing matched. */
export function notFound(): never {
  throw new AppError('not_found', { message: 'There is no such route.' });
}

/** Sends an error in OpenAI's shape, with the headers by which SDKs decide whether to repeat. */
export function sendError(response: Response, error: AppError): void {
  if (error.retryAfterMs !== undefined) {
    response.setHeader('retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))));
    response.setHeader('retry-after-ms', String(Math.ceil(error.retryAfterMs)));
  }
  if (!response.hasHeader('x-should-retry')) response.setHeader('x-should-retry', String(error.retryable));
  const body = Buffer.from(JSON.stringify(errorBody(error)));
  response.status(error.status).setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('content-length', body.length);
  const { req: request } = response;
  if (request.complete || !hasBody(request)) {
    response.end(body);
    return;
  }
  // A body that was refused unread would be taken for the next request on this connection.
  response.setHeader('connection', 'close');
  response.write(body);
  void unread(request, response).then(() => response.end());
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Reads what the client still sends and throws it away, within bounds. Closing before it has sent all of it resets the
 * connection, and most clients read an answer only after they have sent their request.
 */
function unread(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(resolve, UNREAD_MS_MAX);
    const over = () => {
      clearTimeout(timer);
      resolve();
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > UNREAD_BYTES_MAX) over();
    });
    request.once('end', over).once('error', over);
    response.once('close', over);
    request.resume();
  });
}

/** Last of all: whatever was thrown. Express' own errors (malformed paths) are the client's mistakes. */
export function handleErrors(log: Logger) {
  return (thrown: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const error = isClientMistake(thrown) ? new AppError('invalid_request', { cause: thrown }) : toAppError(thrown);
    const { requestId } = contextOf(request);
    // Refusals under load are counted, and told once by whoever decides them; a line for each would be load of its own.
    if (error.status >= 500 && error.code !== 'overloaded')
      log.error({ requestId, code: error.code, method: request.method, err: error }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    sendError(response, error);
  };
}

function isClientMistake(thrown: unknown): boolean {
  // Ours has a status too, and says better what is wrong.
  if (thrown instanceof AppError) return false;
  return (
    thrown instanceof URIError ||
    (thrown instanceof Error &&
      'status' in thrown &&
      typeof thrown.status === 'number' &&
      thrown.status >= 400 &&
      thrown.status < 500)
  );
}
