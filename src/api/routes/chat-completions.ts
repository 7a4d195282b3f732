import type { Request, Response } from 'express';
import type { Principal } from '../../auth/principal.ts';
import { requireScope } from '../../auth/principal.ts';
import { accountView } from '../../billing/account-view.ts';
import { AppError } from '../../errors.ts';
import type { RequestDocument } from '../../models/request.ts';
import { formatRub } from '../../money.ts';
import { type Acceptance, type Accepted, acceptRequest } from '../../requests/accept.ts';
import { type Plan, planChat } from '../../requests/plan.ts';
import { answerPlain, answerStream } from '../answer.ts';
import { type CallHeaders, fingerprintOf, readCallHeaders } from '../call-headers.ts';
import { type ApiDependencies, contextOf, type Handler, principalOf } from '../context.ts';
import { type JsonBody, parseWith, readJson } from '../middleware/read-json.ts';
import { type ChatCompletionRequest, chatCompletionRequest } from '../schemas.ts';

const ROUTE = 'chat.completions';

type Call = {
  principal: Principal;
  requestId: string;
  body: ChatCompletionRequest;
  json: JsonBody;
  headers: CallHeaders;
  plan: Plan;
};

/** `POST /v1/chat/completions`: sync, streamed, or answered later. */
export function chatCompletions(deps: ApiDependencies): Handler {
  return async (request, response) => {
    const { config } = deps;
    const json = await readJson(request, config.api.bodyBytesMax);
    const body = parseWith(chatCompletionRequest, json.value);
    const headers = readCallHeaders(request.headers, { allowLoopback: config.webhooks.allowLoopback });
    const principal = principalOf(request);
    const plan = await planCall(principal, body, headers, deps);
    const call: Call = { principal, requestId: contextOf(request).requestId, body, json, headers, plan };
    const release = await admit(call, response, deps);
    try {
      await respond(call, await accept(call, deps), request, response, deps, release);
    } catch (error) {
      release();
      throw error;
    }
  };
}

async function planCall(
  principal: Principal,
  body: ChatCompletionRequest,
  headers: CallHeaders,
  deps: ApiDependencies,
): Promise<Plan> {
  requireScope(principal, ROUTE, body.model);
  const model = deps.catalogue.find(body.model);
  if (!model)
    throw new AppError('model_not_found', {
      message: `The model "${body.model}" does not exist or this key has no access to it.`,
      param: 'model',
    });
  const fitTo = headers.fitToBalance ? (await accountView(principal.accountId)).availableMicros : undefined;
  return planChat({ ...body, tools: body.tools ?? undefined, functions: body.functions ?? undefined }, model, {
    ...(headers.maxCostMicros === undefined ? {} : { maxCostMicros: headers.maxCostMicros }),
    ...(fitTo === undefined ? {} : { fitToMicros: fitTo }),
  });
}

/** Rate limits of the key. Returns the function that gives its slot back, which may be called any number of times. */
async function admit(
  { principal, requestId, plan, headers, body }: Call,
  response: Response,
  deps: ApiDependencies,
): Promise<() => void> {
  // A rough figure for a rate, not a bill: about four bytes a token, and the output limit.
  const tokens = Math.ceil(plan.inputTokensBound / 4) + plan.outputTokensMax * plan.choices;
  const mode = modeOf(headers, body);
  const admission = await deps.rateLimits.admitKey(principal, tokens, requestId, deps.config.requests.deadlineMs[mode]);
  for (const [name, value] of Object.entries(admission.headers)) response.setHeader(name, value);
  if (!admission.admitted) throw admission.error;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    void deps.rateLimits.releaseKey(principal, requestId);
  };
}

function modeOf(headers: CallHeaders, body: ChatCompletionRequest) {
  if (headers.respondAsync) return 'async';
  return body.stream ? 'stream' : 'sync';
}

async function accept(
  { principal, requestId, body, json, headers, plan }: Call,
  deps: ApiDependencies,
): Promise<Accepted> {
  const model = deps.catalogue.find(body.model);
  if (!model) throw new AppError('model_not_found', { param: 'model' });
  const mode = modeOf(headers, body);
  const { dailyMicros, monthlyMicros, lifetimeMicros } = principal.limits;
  const { webhook } = principal;
  const acceptance: Acceptance = {
    requestId,
    accountId: principal.accountId,
    keyId: principal.keyId,
    endpoint: ROUTE,
    model: body.model,
    mode,
    stream: body.stream === true,
    bodyText: json.text,
    includeUsage: body.stream_options?.include_usage === true,
    price: model.price,
    ...plan,
    caps: {
      ...(dailyMicros === undefined ? {} : { dailyMicros }),
      ...(monthlyMicros === undefined ? {} : { monthlyMicros }),
      ...(lifetimeMicros === undefined ? {} : { lifetimeMicros }),
    },
    onDisconnect: headers.onDisconnect ?? principal.onDisconnect,
    zeroRetention: headers.zeroRetention || principal.zeroRetention,
    ...(headers.idempotencyKey === undefined
      ? {}
      : { idempotency: { key: headers.idempotencyKey, fingerprint: fingerprintOf(ROUTE, json.text, headers) } }),
    ...(mode === 'async' ? {} : { replyTo: deps.replyTo }),
    ...(headers.callbackUrl === undefined ? {} : { callbackUrl: headers.callbackUrl }),
    webhook: mode === 'async' && (headers.callbackUrl !== undefined || (webhook.hasUrl && !webhook.disabled)),
  };
  return acceptRequest(acceptance, deps.accept);
}

async function respond(
  { plan, headers }: Call,
  accepted: Accepted,
  _request: Request,
  response: Response,
  deps: ApiDependencies,
  release: () => void,
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
  if (headers.respondAsync) {
    release();
    sendAccepted(request, response);
    return;
  }
  const options = { attach: accepted.kind === 'existing', afterSeq: 0, onClosed: release };
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
