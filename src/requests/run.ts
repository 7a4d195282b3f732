import type { WithId } from 'mongodb';
import { crashPoint } from '../crash-point.ts';
import { AppError, ERROR_CATALOGUE, toErrorCode } from '../errors.ts';
import { scanJsonObject } from '../json-scan.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument, type RequestError } from '../models/request.ts';
import type { ContentCipher, RequestCipher } from '../privacy/content-key.ts';
import { toBytes } from '../privacy/sealing.ts';
import { done, type Outcome, snooze } from '../queue/outcome.ts';
import { packEvents } from '../stream/events.ts';
import type { EventWriter } from '../stream/publish.ts';
import { NOTHING_CHARGED } from './bill.ts';
import { callProvider } from './call.ts';
import { failurePayload } from './failure.ts';
import { interruptedOutcome } from './interrupted.ts';
import type { RunDependencies, RunOutcome } from './run-types.ts';
import { Aborted, type RunningRequest } from './running.ts';
import { settleRequest } from './settle.ts';
import type { Finish } from './updates.ts';

type Claimed = WithId<RequestDocument>;

const FINISH_RETRY_MS = 60_000;
const RETRY_DELAY_MS_MAX = 2_000;
const SNOOZE_MS_MAX = 10_000;
/** For readers that were catching up when a stream ended of which nothing is kept. */
const ZERO_RETENTION_LOG_SECONDS = 5;

/**
 * Runs one request: claim, call, finish, tell, settle. The queue may hand the same request over any number of times;
 * the claim decides who runs it, and a request whose provider may have been called already is never called again.
 * @param stop aborted by an `Aborted` that says why, or for any other reason by whoever ends the job.
 */
export async function runRequest(requestId: string, stop: AbortController, deps: RunDependencies): Promise<Outcome> {
  const request = await deps.writer.claim(requestId);
  if (!request) return notClaimed(requestId, deps);
  crashPoint('run.after_claim');
  const cipher = await deps.cipher.forRequest(request.accountId, requestId, request.streamKey);
  const running: RunningRequest = {
    requestId,
    attempt: request.attempt,
    abort: stop,
    outputTokens: 0,
    seq: 0,
  };
  deps.running.add(running);
  const deadline = setTimeout(
    () => stop.abort(new Aborted('deadline')),
    Math.max(0, request.deadlineAt.getTime() - Date.now()),
  );
  try {
    const { outcome, writer } = await decide(request, running, cipher, deps);
    await complete(request, outcome, writer, deps);
  } finally {
    clearTimeout(deadline);
    deps.running.remove(requestId);
  }
  return done;
}

async function notClaimed(requestId: string, deps: RunDependencies): Promise<Outcome> {
  const row = await nativeCollection<RequestDocument>(Request).findOne(
    { _id: requestId },
    {
      projection: {
        state: 1,
        settled: 1,
        leaseUntil: 1,
        accountId: 1,
        keyId: 1,
        holdMicros: 1,
        createdAt: 1,
        costMicros: 1,
      },
    },
  );
  if (!row) return done;
  if (row.state === 'accepted') return snooze(1_000);
  if (row.state === 'running') {
    const restMs = (row.leaseUntil?.getTime() ?? 0) - Date.now();
    return snooze(Math.min(Math.max(restMs, 0) + 1_000, SNOOZE_MS_MAX));
  }
  // Also when it is marked as settled: a hold that landed after the request had ended is closed here, not at its expiry.
  await settleRequest(row, { accounts: deps.accounts, requests: deps.writer });
  return done;
}

/** Chooses between calling the provider and ending the request without a call. */
async function decide(
  request: Claimed,
  running: RunningRequest,
  cipher: RequestCipher,
  deps: RunDependencies,
): Promise<{ outcome: RunOutcome; writer: EventWriter }> {
  const open = (lastSeq: number) => openWriter(request, cipher, deps, lastSeq);
  if (request.previousCall === 'sent') {
    const { outcome, lastSeq } = await interruptedOutcome(request, cipher, deps);
    return { outcome, writer: open(lastSeq) };
  }
  const writer = open(0);
  if (request.cancelRequestedAt) return { outcome: withoutCall('cancelled', 'cancelled'), writer };
  if (request.deadlineAt.getTime() <= Date.now())
    return { outcome: withoutCall('failed', 'deadline_exceeded'), writer };
  deps.metrics.addedLatency.observe((Date.now() - request.createdAt.getTime()) / 1_000);
  const text = await openInput(request, deps.cipher);
  const scan = scanJsonObject(text);
  if (!scan.ok) throw new AppError('internal', { internal: `stored input of ${request._id} is not readable` });
  const outcome = await callProvider({ request, text, members: scan.members, running, writer, deps });
  return { outcome, writer };
}

async function openInput(request: Claimed, cipher: ContentCipher): Promise<string> {
  if (!request.input) throw new AppError('internal', { internal: `request ${request._id} has no input` });
  return (await cipher.open(request.accountId, `requests|${request._id}|input`, toBytes(request.input))).toString(
    'utf8',
  );
}

function openWriter(request: Claimed, cipher: RequestCipher, deps: RunDependencies, lastSeq: number): EventWriter {
  return deps.publisher.open({
    requestId: request._id,
    attempt: request.attempt,
    lastSeq,
    ...(request.replyTo === undefined ? {} : { channel: request.replyTo }),
    // Only streams are resumed from the log; a plain answer is read from its row.
    ...(request.stream ? { seal: cipher.seal } : {}),
    ...(request.zeroRetention ? { ttlAfterEndSeconds: ZERO_RETENTION_LOG_SECONDS } : {}),
  });
}

function withoutCall(state: 'failed' | 'cancelled', code: 'cancelled' | 'deadline_exceeded'): RunOutcome {
  const { status, message } = ERROR_CATALOGUE[code];
  return {
    state,
    bill: NOTHING_CHARGED,
    attempts: [],
    error: { code, message, status },
    relayed: [],
    closing: [],
    firstSeq: 1,
  };
}

/** Finish durably, then tell the client, then settle: in this order, whatever fails in between. */
async function complete(
  request: Claimed,
  outcome: RunOutcome,
  writer: EventWriter,
  deps: RunDependencies,
): Promise<void> {
  const closing = closingPayloads(request, outcome);
  const finish = await finishOf(request, outcome, closing, deps.cipher);
  crashPoint('run.before_finish');
  if (!(await finishDurably(finish, deps))) {
    deps.metrics.orphanCalls.inc();
    deps.log.warn({ requestId: request._id, attempt: request.attempt, reason: 'lease lost' }, 'answer discarded');
    return;
  }
  crashPoint('run.after_finish');
  const knownAtMs = performance.now();
  for (const payload of closing) writer.data(payload);
  writer.end({
    state: outcome.state,
    status: outcome.error?.status ?? 200,
    ...(outcome.error?.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.error.retryAfterMs }),
  });
  crashPoint('run.after_tell');
  deps.metrics.requests.inc({ mode: request.mode, state: outcome.state });
  if (outcome.bill.review) deps.metrics.reviews.inc();
  const { _id, accountId, keyId, holdMicros, createdAt } = request;
  const { costMicros } = outcome.bill;
  await settleRequest(
    { _id, accountId, keyId, holdMicros, createdAt, costMicros },
    { accounts: deps.accounts, requests: deps.writer },
  );
  crashPoint('run.after_settle');
  deps.metrics.settleLag.observe((performance.now() - knownAtMs) / 1_000);
  if (finish.webhook) await deps.notify({ ...request, state: outcome.state, webhook: 'pending' });
}

/** What still goes out after the end is durable: the last event of a stream, or the body of a plain answer. */
function closingPayloads(request: Claimed, outcome: RunOutcome): Buffer[] {
  return outcome.error === undefined ? outcome.closing : [...outcome.closing, failurePayload(request, outcome.error)];
}

/** A provider may repeat the prompt in its refusal: its own words are in the sealed answer only, never in the open row. */
function withoutWords(error: RequestError): RequestError {
  return { ...error, message: ERROR_CATALOGUE[toErrorCode(error.code)].message };
}

async function finishOf(
  request: Claimed,
  outcome: RunOutcome,
  closing: Buffer[],
  cipher: ContentCipher,
): Promise<Finish> {
  const payloads = [...outcome.relayed, ...closing];
  const isStream = request.stream;
  const plain = isStream ? packEvents({ firstSeq: outcome.firstSeq, payloads }) : (payloads[0] ?? Buffer.alloc(0));
  const keep = !request.zeroRetention && payloads.length > 0;
  return {
    requestId: request._id,
    attempt: request.attempt,
    state: outcome.state,
    ...outcome.bill,
    attempts: outcome.attempts,
    finishedAt: new Date(),
    forgetContent: request.zeroRetention,
    webhook: request.webhook === 'wanted',
    ...(outcome.error === undefined ? {} : { error: withoutWords(outcome.error) }),
    ...(outcome.provider === undefined ? {} : { provider: outcome.provider }),
    ...(outcome.firstByteAt === undefined ? {} : { firstByteAt: outcome.firstByteAt }),
    ...(keep
      ? {
          result: await cipher.seal(request.accountId, `requests|${request._id}|result`, plain),
          resultKind: isStream ? 'sse' : 'json',
        }
      : {}),
  };
}

/** The provider was paid: a database outage of up to a minute is waited out before the outcome is given up. */
async function finishDurably(finish: Finish, deps: RunDependencies): Promise<boolean> {
  const giveUpAtMs = Date.now() + FINISH_RETRY_MS;
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
    try {
      return await deps.writer.finish(finish);
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      deps.log.warn({ requestId: finish.requestId, err: error }, 'finish not written, trying again');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}
