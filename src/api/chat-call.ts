import type { Principal } from '../auth/principal.ts';
import { requireScope } from '../auth/principal.ts';
import { accountView } from '../billing/account-view.ts';
import { AppError } from '../errors.ts';
import type { RequestMode } from '../models/request.ts';
import type { Acceptance } from '../requests/accept.ts';
import type { CatalogueModel } from '../requests/catalogue.ts';
import { openRoutes } from '../requests/cross-border.ts';
import { type Plan, planChat } from '../requests/plan.ts';
import { type CallHeaders, fingerprintOf } from './call-headers.ts';
import type { ApiDependencies } from './context.ts';
import type { JsonBody } from './middleware/read-json.ts';
import type { ChatCompletionRequest } from './schemas.ts';

const ROUTE = 'chat.completions';

/** What a chat call asks for, before anything is decided about it. */
export type ChatCall = {
  principal: Principal;
  requestId: string;
  body: ChatCompletionRequest;
  json: JsonBody;
  headers: CallHeaders;
};

/** The model as it was when the hold was planned: price and plan must be of one version. */
export type PlannedCall = ChatCall & { model: CatalogueModel; plan: Plan; mode: RequestMode };

/**
 * Model, price and hold of a call.
 * @throws model_not_found, context_length_exceeded, cross_border_forbidden or max_cost_exceeded.
 */
export async function planCall(
  call: ChatCall,
  { catalogue }: Pick<ApiDependencies, 'catalogue'>,
): Promise<PlannedCall> {
  const { principal, body, headers } = call;
  requireScope(principal, ROUTE, body.model);
  const model = catalogue.find(body.model);
  if (!model)
    throw new AppError('model_not_found', {
      message: `The model "${body.model}" does not exist or this key has no access to it.`,
      param: 'model',
    });
  if (openRoutes(model, principal.domesticOnly).length === 0)
    throw new AppError('cross_border_forbidden', { param: 'model' });
  const fitTo = headers.fitToBalance ? (await accountView(principal.accountId)).availableMicros : undefined;
  const plan = planChat(body, model, { maxCostMicros: headers.maxCostMicros, fitToMicros: fitTo });
  return { model, plan, mode: modeOf(headers, body), ...call };
}

function modeOf(headers: CallHeaders, body: ChatCompletionRequest): RequestMode {
  if (headers.respondAsync) return 'async';
  return body.stream ? 'stream' : 'sync';
}

/**
 * The acceptance of a planned call.
 * @param replyTo relay channel of this process.
 */
export function acceptanceOf(call: PlannedCall, replyTo: string): Acceptance {
  const { principal, requestId, body, json, headers, model, plan, mode } = call;
  const { dailyMicros, monthlyMicros, lifetimeMicros } = principal.limits;
  const { webhook } = principal;
  return {
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
    caps: { dailyMicros, monthlyMicros, lifetimeMicros },
    onDisconnect: headers.onDisconnect ?? principal.onDisconnect,
    zeroRetention: headers.zeroRetention || principal.zeroRetention,
    ...(principal.domesticOnly ? { domesticOnly: true } : {}),
    ...(headers.idempotencyKey === undefined
      ? {}
      : { idempotency: { key: headers.idempotencyKey, fingerprint: fingerprintOf(ROUTE, json.text, headers) } }),
    ...(mode === 'async' ? {} : { replyTo: replyTo }),
    ...(headers.callbackUrl === undefined ? {} : { callbackUrl: headers.callbackUrl }),
    webhook: mode === 'async' && (headers.callbackUrl !== undefined || (webhook.hasUrl && !webhook.disabled)),
  };
}
