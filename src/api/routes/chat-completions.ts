import type { Response } from 'express';
import type { RequestDocument } from '../../models/request.ts';
import { formatRub } from '../../money.ts';
import { type Accepted, acceptRequest } from '../../requests/accept.ts';
import { admitCall } from '../admit.ts';
import { answerPlain, answerStream } from '../answer.ts';
import { readCallHeaders } from '../call-headers.ts';
import { acceptanceOf, type PlannedCall, planCall } from '../chat-call.ts';
import { type ApiDependencies, contextOf, type Handler, principalOf } from '../context.ts';
import { parseWith, readJson } from '../middleware/read-json.ts';
import { chatCompletionRequest } from '../schemas.ts';

/** `POST /v1/chat/completions`: sync, streamed, or answered later. */
export function chatCompletions(deps: ApiDependencies): Handler {
  return async (request, response) => {
    const { config } = deps;
    const json = await readJson(request, config.api.bodyBytesMax);
    const body = parseWith(chatCompletionRequest, json.value);
    const headers = readCallHeaders(request.headers, { allowLoopback: config.webhooks.allowLoopback });
    const principal = principalOf(request);
    const { requestId } = contextOf(request);
    const call = await planCall({ principal, requestId, body, json, headers }, deps);
    const acceptance = acceptanceOf(call, deps.replyTo);
    const ticket = await admitCall(call, acceptance, response, deps);
    try {
      const accepted = await acceptRequest(acceptance, deps.accept);
      ticket.accepted(accepted.kind === 'new' ? accepted.open : undefined);
      await respond(call, accepted, response, deps, ticket.left);
    } catch (error) {
      ticket.left();
      throw error;
    }
  };
}

async function respond(
  { plan, mode }: PlannedCall,
  accepted: Accepted,
  response: Response,
  deps: ApiDependencies,
  left: () => void,
) {
  const { request } = accepted;
  response.setHeader('x-request-id', request._id);
  response.setHeader(
    'x-max-output-tokens',
    String(accepted.kind === 'new' ? plan.outputTokensMax : request.outputTokensMax),
  );
  response.setHeader('x-hold-rub', formatRub(request.holdMicros));
  if (accepted.kind === 'new') response.setHeader('x-balance-rub', formatRub(accepted.availableMicros));
  else response.setHeader('idempotency-replayed', 'true');
  if (mode === 'async') {
    left();
    sendAccepted(request, response);
    return;
  }
  const options = { attach: accepted.kind === 'existing', afterSeq: 0, onClosed: left };
  await (request.stream ? answerStream : answerPlain)(request, response, options, deps);
}

function sendAccepted(request: RequestDocument, response: Response): void {
  const location = `/v1/requests/${request._id}`;
  response.status(202).setHeader('location', location);
  response.setHeader('preference-applied', 'respond-async');
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(acceptedBody(request)));
}

/** The same for the first answer and every repeat under the same Idempotency-Key: nothing in it changes later. */
function acceptedBody(request: RequestDocument) {
  return {
    id: request._id,
    object: 'request',
    status: 'queued',
    mode: request.mode,
    model: request.model,
    created_at: Math.floor(request.createdAt.getTime() / 1_000),
    stream: request.stream,
    url: `/v1/requests/${request._id}`,
  };
}
