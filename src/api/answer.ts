import type { Response } from 'express';
import { AppError, toAppError } from '../errors.ts';
import type { RequestDocument } from '../models/request.ts';
import { watcherCame, watcherLeft } from '../requests/cancel.ts';
import type { EndOfAnswer } from '../stream/events.ts';
import type { ApiDependencies } from './context.ts';
import { EventStream, earlyFailure, endAnswer } from './event-stream.ts';
import { sendError } from './middleware/errors.ts';

/** Answers a waiting client from what the request says, plainly or as a stream, and minds the client that goes away. */
export type AnswerOptions = {
  /** The request was there before this client (idempotent repeat, resume). */
  attach: boolean;
  afterSeq: number;
  /** Called once when the client has its answer or is gone. */
  onClosed: () => void;
};

const DEADLINE_GRACE_MS = 30_000;

type Deps = Pick<ApiDependencies, 'config' | 'follower' | 'cancel' | 'metrics' | 'log' | 'openStreams'>;

/** The JSON answer of a request, when it comes. Resolves when the response is closed. */
export async function answerPlain(
  request: RequestDocument,
  response: Response,
  options: AnswerOptions,
  deps: Deps,
): Promise<void> {
  let body = Buffer.alloc(0);
  await waitFor(request, response, options, deps, {
    onEvent: (_seq, payload) => {
      body = Buffer.from(payload);
    },
    onEnd: (end) => {
      processingTime(request, response);
      retryHeaders(end, response);
      response.status(end.status).setHeader('content-type', 'application/json; charset=utf-8');
      endAnswer(response, deps.config.api.heartbeatMs, body);
    },
    onFailure: (error) => sendError(response, error),
    room: () => undefined,
  });
}

/** The event stream of a request, from `afterSeq` on. Resolves when the response is closed. */
export async function answerStream(
  request: RequestDocument,
  response: Response,
  options: AnswerOptions,
  deps: Deps,
): Promise<void> {
  const { heartbeatMs, readerBufferBytesMax } = deps.config.api;
  const stream = new EventStream(response, { heartbeatMs, bufferBytesMax: readerBufferBytesMax });
  const open = { disconnect: () => stream.disconnect(request._id) };
  deps.openStreams.add(open);
  // Held back while nothing else was sent: if the answer ends with it, it becomes an HTTP status.
  let first: { seq: number; payload: Buffer } | undefined;
  let started = options.afterSeq > 0;
  let last: Buffer | undefined;
  whenClosed(response, () => {
    stream.abandon();
    deps.openStreams.delete(open);
  });
  await waitFor(request, response, options, deps, {
    onEvent: (seq, payload) => {
      last = payload;
      if (!started && first === undefined && stream.untouched && isFailureChunk(payload)) {
        first = { seq, payload };
        return;
      }
      started = true;
      if (first) stream.event(first.seq, first.payload);
      first = undefined;
      stream.event(seq, payload);
    },
    onEnd: (end) => {
      const early = first && stream.untouched ? earlyFailure(end, first.payload) : undefined;
      if (early) {
        stream.abandon();
        retryHeaders(end, response);
        response.status(early.status).setHeader('content-type', 'application/json; charset=utf-8');
        response.end(early.body);
        return;
      }
      if (first) stream.event(first.seq, first.payload);
      // Numbered by a worker that knew of fewer events than this client has: the closing event looked like an old one.
      if (end.state !== 'done' && last && !isFailureChunk(last))
        stream.fail(new AppError(end.state === 'cancelled' ? 'cancelled' : 'interrupted'));
      else stream.end();
    },
    onFailure: (error) => {
      if (stream.untouched) {
        stream.abandon();
        sendError(response, error);
      } else stream.fail(error);
    },
    room: () => stream.room(),
  });
}

/** Only the chunk that carries an error starts with the request's own id; provider chunks are never looked into here. */
function isFailureChunk(payload: Buffer): boolean {
  return payload.subarray(0, 11).toString('latin1') === '{"id":"req_' && payload.includes('"finish_reason":"error"');
}

/** A client that left while its request was being accepted has closed already, and says so no more. */
function whenClosed(response: Response, act: () => void): void {
  if (response.destroyed) act();
  else response.once('close', act);
}

type Answering = {
  onEvent(seq: number, payload: Buffer): void;
  onEnd(end: EndOfAnswer): void;
  onFailure(error: AppError): void;
  room(): Promise<void> | undefined;
};

async function waitFor(
  request: RequestDocument,
  response: Response,
  options: AnswerOptions,
  deps: Deps,
  answering: Answering,
): Promise<void> {
  let over = false;
  deps.metrics.openStreams.inc();
  const overdueMs = request.deadlineAt.getTime() - Date.now() + DEADLINE_GRACE_MS;
  const overdue = setTimeout(
    () => finish(() => answering.onFailure(outOfTouch(request, options, new Error('no end past the deadline')))),
    Math.max(1_000, overdueMs),
  );
  if (options.attach)
    void watcherCame(request._id).catch((error: unknown) =>
      deps.log.warn({ requestId: request._id, err: error }, 'watcher not counted'),
    );

  function finish(act: () => void): void {
    if (over) return;
    over = true;
    clearTimeout(overdue);
    act();
  }

  const following = deps.follower.follow(
    request,
    { afterSeq: options.afterSeq, attach: options.attach },
    {
      onEvent: (seq, payload) => {
        if (!over) answering.onEvent(seq, payload);
      },
      onEnd: (end) => finish(() => answering.onEnd(end)),
      room: () => (over ? undefined : answering.room()),
      onLost: (cause) => finish(() => answering.onFailure(lostAnswer(cause))),
    },
  );
  following.catch((error: unknown) =>
    finish(() => {
      answering.onFailure(outOfTouch(request, options, error));
      clientLeft(request, deps);
    }),
  );
  await new Promise<void>((resolve) => {
    whenClosed(response, () => {
      deps.metrics.openStreams.dec();
      options.onClosed();
      finish(() => clientLeft(request, deps));
      resolve();
    });
  });
  await following.then((one) => one.close()).catch(() => undefined);
}

/**
 * The request goes on, and this process cannot see how. Who repeats it under its key, or asks again for its answer, gets
 * that; for anybody else a repeat would be another request to pay for.
 */
function outOfTouch({ idemKey }: RequestDocument, { attach }: AnswerOptions, cause: unknown): AppError {
  return new AppError(attach || idemKey !== undefined ? 'unavailable' : 'outcome_unknown', { cause });
}

/** An answer that is gone, or one that cannot be read while a store is away. */
function lostAnswer(cause: unknown): AppError {
  const error = toAppError(cause);
  return error.code === 'unavailable' ? error : new AppError('result_not_retained', { cause });
}

/** After a grace in which it may come back, the client's leaving counts. */
function clientLeft(request: RequestDocument, deps: Deps): void {
  if (request.onDisconnect !== 'cancel' || request.mode === 'async') return;
  const timer = setTimeout(() => {
    watcherLeft(request._id, deps.cancel).catch((error: unknown) =>
      deps.log.warn({ requestId: request._id, err: error }, 'leaving not noted'),
    );
  }, deps.config.api.disconnectGraceMs);
  timer.unref();
}

function processingTime(request: RequestDocument, response: Response): void {
  response.setHeader('openai-processing-ms', String(Math.max(0, Date.now() - request.createdAt.getTime())));
}

function retryHeaders(end: EndOfAnswer, response: Response): void {
  if (end.state === 'done') return;
  if (end.retryAfterMs !== undefined)
    response.setHeader('retry-after', String(Math.max(1, Math.ceil(end.retryAfterMs / 1_000))));
  // A repeat of a failed request is a new request; whether it makes sense depends on the kind of failure alone.
  response.setHeader('x-should-retry', String(end.status === 503 || end.status === 504));
}
