import type { Request } from 'express';
import { AppError } from '../../errors.ts';
import { isId } from '../../ids.ts';
import type { RequestDocument } from '../../models/request.ts';
import { cancelRequest } from '../../requests/cancel.ts';
import { presentRequest } from '../../requests/present.ts';
import { findRequest, isTerminal, storedAnswer, withToldError } from '../../requests/stored-answer.ts';
import { answerStream } from '../answer.ts';
import { type ApiDependencies, type Handler, principalOf } from '../context.ts';

/** The caller's own request. A foreign or unknown id is the same 404. */
async function ownRequest(request: Request): Promise<RequestDocument> {
  const requestId = String(request.params.requestId);
  const found = isId('req', requestId) ? await findRequest(requestId) : null;
  if (!found || found.accountId !== principalOf(request).accountId)
    throw new AppError('not_found', { message: 'There is no such request.' });
  return found;
}

/** The request object; a plain answer that is there is spliced in as text, so that its bytes stay the provider's. */
async function requestJson(request: RequestDocument, deps: Pick<ApiDependencies, 'cipher'>): Promise<string> {
  const json = JSON.stringify(presentRequest(await withToldError(request, deps.cipher)));
  if (request.stream || !request.result || !isTerminal(request) || request.state !== 'done') return json;
  const { payloads } = await storedAnswer(request, deps.cipher);
  return `${json.slice(0, -1)},"response":${payloads[0]?.toString('utf8') ?? 'null'}}`;
}

/** `GET /v1/requests/{id}`: status, usage, cost, receipt, and the answer of a finished plain request. */
export function showRequest(deps: Pick<ApiDependencies, 'cipher'>): Handler {
  return async (request, response) => {
    const json = await requestJson(await ownRequest(request), deps);
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(json);
  };
}

/** `POST /v1/requests/{id}/cancel`: idempotent; answers with the request as it is afterwards. */
export function cancel(deps: Pick<ApiDependencies, 'cancel'>): Handler {
  return async (request, response) => {
    const { _id, accountId } = await ownRequest(request);
    response.json(presentRequest(await cancelRequest(accountId, _id, 'client_request', deps.cancel)));
  };
}

/** The number of the last event the client has: `starting_after`, else `Last-Event-ID`, else 0. */
function afterSeqOf(request: Request): number {
  const text = request.query.starting_after ?? request.headers['last-event-id'] ?? '0';
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) {
    throw new AppError('invalid_request', {
      message: 'starting_after must be the number of an event.',
      param: 'starting_after',
    });
  }
  return Number(text);
}

/** `GET /v1/requests/{id}/stream`: the events after the given one, kept or still to come. */
export function streamRequest(deps: ApiDependencies): Handler {
  return async (request, response) => {
    const afterSeq = afterSeqOf(request);
    const found = await ownRequest(request);
    if (!found.stream)
      throw new AppError('invalid_request', { message: 'This request was not made with "stream": true.' });
    response.setHeader('x-request-id', found._id);
    await answerStream(found, response, { attach: true, afterSeq, onClosed: () => undefined }, deps);
  };
}
