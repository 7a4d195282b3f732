import type { WithId } from 'mongodb';
import { crashPoint } from '../crash-point.ts';
import { ERROR_CATALOGUE } from '../errors.ts';
import type { MemberSpan } from '../json-scan.ts';
import type { ProviderAttempt, RequestDocument, RequestError } from '../models/request.ts';
import { upstreamBody } from '../providers/chat-body.ts';
import { type ProviderAnswer, ProviderFailure } from '../providers/provider.ts';
import type { EventWriter } from '../stream/publish.ts';
import { readPlainAnswer, StreamedAnswer } from './answer.ts';
import { type Bill, billFor, NOTHING_CHARGED } from './bill.ts';
import type { ResolvedRoute } from './catalogue.ts';
import { orderFor } from './choose-route.ts';
import { openRoutes } from './cross-border.ts';
import { PayloadStore } from './payload-store.ts';
import type { RunDependencies, RunOutcome } from './run-types.ts';
import { Aborted, type RunningRequest } from './running.ts';
import { deliveredText, estimateUsage, roughTokens } from './token-estimate.ts';

export type CallInput = {
  request: WithId<RequestDocument>;
  text: string;
  members: ReadonlyMap<string, MemberSpan>;
  running: RunningRequest;
  writer: EventWriter;
  deps: RunDependencies;
};

const CHAT_PATH = '/chat/completions';
const DONE = Buffer.from('[DONE]');
const ABORT_CODES = { cancelled: 'cancelled', deadline: 'deadline_exceeded', lease_lost: 'interrupted' } as const;

/** What has come from the provider so far, whichever way the call ends. */
type Progress = {
  relayed: PayloadStore;
  usage: unknown;
  upstreamId: string | undefined;
  firstByteAt: Date | undefined;
};

/**
 * Calls the provider over the model's routes. Another route is tried only when the failure certainly left nothing done
 * and nothing was shown to the client, so a request is paid for at most once.
 */
export async function callProvider(input: CallInput): Promise<RunOutcome> {
  const { request, deps } = input;
  const model = deps.catalogue.find(request.model);
  const routes = model ? orderFor(request._id, openRoutes(model, request.domesticOnly === true)) : [];
  const attempts: ProviderAttempt[] = [];
  let last: ProviderFailure | undefined;
  for (const route of routes) {
    if (!deps.breaker.allows(route.target.routeId, Date.now())) continue;
    const progress: Progress = {
      relayed: new PayloadStore(),
      usage: undefined,
      upstreamId: undefined,
      firstByteAt: undefined,
    };
    const startedAt = new Date();
    try {
      const closing = await callRoute(input, route, progress);
      deps.breaker.succeeded(route.target.routeId, Date.now());
      attempts.push(attemptOf(route, startedAt, 'ok', 200));
      return await doneOutcome(input, route, progress, attempts, closing);
    } catch (error) {
      const failure = toFailure(error, input.running.abort.signal);
      attempts.push(attemptOf(route, startedAt, failure.outcome, failure.status));
      noteFailure(input, route, failure);
      last = failure;
      const mayTryNext = failure.definite && progress.relayed.count === 0 && failure.code !== 'provider_rejected';
      if (!mayTryNext) return brokenOutcome(input, route, progress, attempts, failure);
    }
  }
  // The last route at home may have gone since the request was accepted.
  const code = request.domesticOnly && routes.length === 0 ? 'cross_border_forbidden' : 'provider_unavailable';
  const failure = last ?? new ProviderFailure(code, 'no_route', { definite: true });
  return failedOutcome(failure, attempts, NOTHING_CHARGED);
}

function attemptOf(route: ResolvedRoute, at: Date, outcome: string, status: number | undefined): ProviderAttempt {
  const { routeId, providerId } = route.target;
  return {
    routeId,
    providerId,
    country: route.country,
    outcome,
    ...(status === undefined ? {} : { status }),
    ms: Date.now() - at.getTime(),
    at,
  };
}

const NOT_THE_ROUTES_FAULT = new Set(['cancelled', 'deadline_exceeded', 'interrupted', 'provider_rejected']);

/** A client's own mistake or cancellation says nothing about the route's health. */
function noteFailure({ deps }: CallInput, route: ResolvedRoute, failure: ProviderFailure): void {
  if (NOT_THE_ROUTES_FAULT.has(failure.code)) return;
  deps.breaker.failed(route.target.routeId, Date.now());
  deps.metrics.providerErrors.inc({ provider: route.target.providerId, outcome: failure.outcome });
}

/** One call over one route. Gives the payloads that may go out only when the end is durable. */
async function callRoute(input: CallInput, route: ResolvedRoute, progress: Progress): Promise<Buffer[]> {
  const { request, text, members, running, deps } = input;
  const { stream } = request;
  const body = upstreamBody(text, members, {
    upstreamModel: route.upstreamModel,
    outputTokensMax: request.outputTokensMax,
    stream,
    quirks: route.quirks,
  });
  const answer = await deps.provider.call(
    route.target,
    { path: CHAT_PATH, body, stream, requestId: request._id },
    running.abort.signal,
  );
  return stream ? relayStream(input, answer, progress) : readPlain(answer, progress);
}

async function readPlain(answer: ProviderAnswer, progress: Progress): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  await answer.read((chunk) => {
    progress.firstByteAt ??= new Date();
    chunks.push(chunk);
    return undefined;
  });
  const plain = readPlainAnswer(Buffer.concat(chunks));
  progress.usage = plain.usage;
  progress.upstreamId = plain.upstreamId;
  return [plain.body];
}

async function relayStream(
  { request, writer, running, deps }: CallInput,
  answer: ProviderAnswer,
  progress: Progress,
): Promise<Buffer[]> {
  if (!/event-stream/i.test(answer.contentType))
    throw new ProviderFailure('provider_error', 'not_a_stream', { definite: false });
  const streamed = new StreamedAnswer(request.includeUsage);
  await answer.read((chunk) => {
    try {
      for (const payload of streamed.push(chunk)) {
        progress.firstByteAt ??= new Date();
        progress.relayed.push(payload);
        running.outputTokens += roughTokens(payload.length);
        running.seq = writer.data(payload);
        crashPoint('run.mid_stream');
      }
    } finally {
      progress.usage = streamed.usage;
      progress.upstreamId = streamed.upstreamId;
    }
    return streamed.complete ? 'enough' : deps.publisher.room();
  });
  streamed.end();
  return [DONE];
}

/** Whatever was thrown, as a failure of the call; our own aborts carry their reason in the signal. */
function toFailure(error: unknown, signal: AbortSignal): ProviderFailure {
  if (signal.aborted) {
    // The job's own end, at shutdown or after its time, is as if its lease were lost.
    const reason = signal.reason instanceof Aborted ? signal.reason.reason : 'lease_lost';
    return new ProviderFailure(ABORT_CODES[reason], reason, { definite: false, cause: error });
  }
  if (error instanceof ProviderFailure) return error;
  return new ProviderFailure('provider_error', 'adapter_error', { definite: false, cause: error });
}

function upstreamOf(route: ResolvedRoute, progress: Progress): NonNullable<RequestDocument['provider']> {
  const { routeId, providerId } = route.target;
  return {
    routeId,
    providerId,
    upstreamModel: route.upstreamModel,
    ...(progress.upstreamId === undefined ? {} : { upstreamId: progress.upstreamId }),
  };
}

/** Estimates from the messages and what was delivered; `extra` is a plain body that has not been relayed yet. */
function estimator({ text }: CallInput, payloads: readonly Buffer[]) {
  return () => {
    const { messages } = JSON.parse(text) as { messages?: unknown };
    const chunks = payloads.map((payload): unknown => JSON.parse(payload.toString('utf8')));
    return estimateUsage(messages, deliveredText(chunks));
  };
}

async function doneOutcome(
  input: CallInput,
  route: ResolvedRoute,
  progress: Progress,
  attempts: ProviderAttempt[],
  closing: Buffer[],
): Promise<RunOutcome> {
  const relayed = progress.relayed.all();
  const delivered = input.request.stream ? relayed : closing;
  return {
    state: 'done',
    bill: await billFor(input.request, progress.usage, route.quirks, estimator(input, delivered)),
    attempts,
    relayed,
    closing,
    firstSeq: 1,
    provider: upstreamOf(route, progress),
    ...(progress.firstByteAt === undefined ? {} : { firstByteAt: progress.firstByteAt }),
  };
}

/**
 * A call that broke off. What was delivered is charged when the client or the connection ended it; when the provider
 * itself reported an error, or nothing was delivered, nothing is.
 */
async function brokenOutcome(
  input: CallInput,
  route: ResolvedRoute,
  progress: Progress,
  attempts: ProviderAttempt[],
  failure: ProviderFailure,
): Promise<RunOutcome> {
  const relayed = progress.relayed.all();
  const delivered = relayed.length > 0;
  const reportedByProvider = failure.definite;
  const bill: Bill =
    delivered && !reportedByProvider
      ? await billFor(input.request, progress.usage, route.quirks, estimator(input, relayed))
      : NOTHING_CHARGED;
  const shown = delivered && !reportedByProvider && failure.code !== 'cancelled' ? interrupted(failure) : failure;
  return {
    ...failedOutcome(shown, attempts, bill),
    relayed,
    provider: upstreamOf(route, progress),
    ...(progress.firstByteAt === undefined ? {} : { firstByteAt: progress.firstByteAt }),
  };
}

function interrupted(failure: ProviderFailure): ProviderFailure {
  return new ProviderFailure('interrupted', failure.outcome, { definite: false, cause: failure });
}

function failedOutcome(failure: ProviderFailure, attempts: ProviderAttempt[], bill: Bill): RunOutcome {
  const row = ERROR_CATALOGUE[failure.code];
  const error: RequestError = {
    code: failure.code,
    message: failure.publicText ?? row.message,
    status: row.status,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  };
  return {
    state: failure.code === 'cancelled' ? 'cancelled' : 'failed',
    bill,
    attempts,
    error,
    relayed: [],
    closing: [],
    firstSeq: 1,
  };
}
