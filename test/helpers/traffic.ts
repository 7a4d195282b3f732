import { expect } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { RequestDocument, RequestMode } from '../../src/models/request.ts';
import type { Received } from '../webhooks/receiver.ts';
import { eventually } from './eventually.ts';
import { requests } from './invariants.ts';
import type { Customer, SystemProcess } from './system.ts';

/** Calls of every mode as a client makes them, and what a client may expect of the answers after anything happened. */

/** Timers for tests in which nobody dies: a machine so busy that seconds pass must not look like a dead process. */
export const PATIENT_TIMERS = {
  LEASE_MS: '12000',
  LEASE_HEARTBEAT_MS: '2000',
  QUEUE_LOCK_MS: '8000',
  QUEUE_STALLED_MS: '2000',
  HOLD_GRACE_MS: '15000',
  SWEEP_ACCEPTED_MS: '15000',
  REQUEST_DEADLINE_MS: '60000',
  STREAM_DEADLINE_MS: '60000',
  ASYNC_DEADLINE_MS: '60000',
  PROVIDER_FIRST_BYTE_MS: '20000',
  PROVIDER_IDLE_MS: '20000',
} as const;

export type Call = {
  mode: RequestMode;
  model?: string;
  /** Directions to the sandbox, and the text after them. */
  script?: string;
  text?: string;
  api?: SystemProcess | undefined;
  idempotencyKey?: string;
  callbackUrl?: string;
  headers?: Record<string, string>;
  outputTokens?: number;
};

/** What came back; `complete` is false when the connection broke, before the head (`status` 0) or in the body. */
export type Reply = { call: Call; status: number; headers: Headers; body: string; complete: boolean };

export function bodyOf({ mode, model = 'test/echo', script, text = 'canary', outputTokens = 100 }: Call): string {
  const content = script === undefined ? text : `[[sandbox ${script}]] ${text}`;
  return JSON.stringify({
    model,
    messages: [{ role: 'user', content }],
    max_tokens: outputTokens,
    ...(mode === 'stream' ? { stream: true } : {}),
  });
}

/** Never rejects: a broken connection is an answer too. */
export async function send(customer: Customer, call: Call): Promise<Reply> {
  const headers = {
    'content-type': 'application/json',
    ...(call.mode === 'async' ? { prefer: 'respond-async' } : {}),
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
    ...(call.callbackUrl === undefined ? {} : { 'x-callback-url': call.callbackUrl }),
    ...call.headers,
  };
  const reply: Reply = { call, status: 0, headers: new Headers(), body: '', complete: false };
  try {
    const response = await customer.fetch('/v1/chat/completions', {
      method: 'POST',
      headers,
      body: bodyOf(call),
      ...(call.api ? { api: call.api } : {}),
    });
    reply.status = response.status;
    reply.headers = response.headers;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) reply.body += decoder.decode(chunk as Uint8Array, { stream: true });
    reply.complete = true;
  } catch {
    // As far as it came.
  }
  return reply;
}

const REPEATS_MAX = 30;

/** As SDKs do: again while the answer is a 503 that says it may be repeated. */
export async function sendUntilAnswered(customer: Customer, call: Call): Promise<Reply> {
  let reply = await send(customer, call);
  for (let repeat = 0; repeat < REPEATS_MAX && reply.status === 503; repeat++) {
    if (reply.headers.get('x-should-retry') !== 'true') break;
    await new Promise((resolve) => setTimeout(resolve, 100 + 900 * Math.random()));
    reply = await send(customer, call);
  }
  return reply;
}

export const requestIdOf = (reply: Reply): string => reply.headers.get('x-request-id') ?? '';

/** The bytes of a stream that mean something: without the comments that keep the line open. */
export const withoutComments = (body: string): string => body.replace(/^:[^\n]*\n\n/gm, '');

/** Keeps each numbered event of a stream, whole ones only; one that comes twice must be the same. */
export function collectEvents(events: Map<number, string>, body: string): void {
  for (const [, id = '', data = ''] of body.matchAll(/^id: (\d+)\n((?:event: .*\n)?data: .*)\n\n/gm)) {
    const seq = Number(id);
    const known = events.get(seq);
    if (known !== undefined && known !== data) throw new Error(`event ${seq} came twice and differs`);
    events.set(seq, data);
  }
}

type ErrorBody = { error?: { code?: string; type?: string; message?: string } };

const lastEvent = (body: string): string => withoutComments(body).trimEnd().split('\n\n').at(-1) ?? '';

/** The typed error a reply ends with; undefined when it is a success. Fails for an answer that is neither. */
export function errorOf({ status, body, call, complete }: Reply): string | undefined {
  expect(complete).toBe(true);
  if (status === 202) return undefined;
  if (status === 200 && call.mode === 'stream') {
    const data = lastEvent(body)
      .replace(/^(?:id|event): .*\n/gm, '')
      .replace(/^data: /, '');
    if (data === '[DONE]') return undefined;
    const { error } = JSON.parse(data) as ErrorBody;
    expect(error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    return error?.code;
  }
  const parsed = JSON.parse(body) as ErrorBody & { choices?: unknown[] };
  if (status === 200) {
    expect(parsed.choices).toHaveLength(1);
    return undefined;
  }
  expect(parsed.error).toMatchObject({ code: expect.any(String), type: expect.any(String) });
  return parsed.error?.code;
}

type StoredRequest = { status: string; response?: unknown; error: { code: string } | null };

/** A client that got an answer to the end got the one that is stored: the same text, or the same failure. */
export async function expectAnswerIsStored(customer: Customer, reply: Reply, api?: SystemProcess): Promise<void> {
  const requestId = requestIdOf(reply);
  const code = errorOf(reply);
  if (reply.call.mode === 'async' || requestId === '') return;
  const init = api ? { api } : {};
  const answer = await customer.fetch(`/v1/requests/${requestId}`, init);
  if (code !== undefined) {
    if (answer.status === 404) return;
    // The client was told to ask, or where to go on.
    if (code === 'outcome_unknown' || isFarewell(reply)) return;
    const { error } = (await answer.json()) as StoredRequest;
    if (code !== 'unavailable') expect(error?.code).toBe(code);
    // A client without a key repeats it as another request: it must have ended, uncharged.
    else if (reply.call.idempotencyKey === undefined) await expectNeverRuns(requestId);
    return;
  }
  const stored = (await answer.json()) as StoredRequest;
  expect(stored.status).toBe('completed');
  if (reply.call.mode === 'sync') {
    expect(stored.response).toEqual(JSON.parse(reply.body));
    return;
  }
  const resumed = await customer.fetch(`/v1/requests/${requestId}/stream`, init);
  expect(withoutComments(await resumed.text())).toBe(withoutComments(reply.body));
}

/** An api process that had to go told where the stream continues. */
const isFarewell = ({ status, body }: Reply): boolean => status === 200 && body.includes('"resume"');

async function expectNeverRuns(requestId: string): Promise<void> {
  const row = await requests().findOne({ _id: requestId });
  expect([requestId, row?.costMicros ?? 0n]).toEqual([requestId, 0n]);
  expect(['cancelled', 'aborted', undefined]).toContain(row?.state);
}

const EVENT_TYPES: Partial<Record<RequestDocument['state'], string>> = {
  done: 'request.completed',
  failed: 'request.failed',
  cancelled: 'request.cancelled',
};

function eventsById(received: readonly Received[]): Map<string, Received[]> {
  const byId = new Map<string, Received[]>();
  for (const event of received) {
    const id = String(event.headers['webhook-id']);
    byId.set(id, [...(byId.get(id) ?? []), event]);
  }
  return byId;
}

/**
 * Every asynchronous request of the customer ended and its receiver got the right event at least once, under one
 * `webhook-id`, signed. Returns how many events came for each.
 */
export async function expectDelivered(
  customer: Customer,
  received: readonly Received[],
  timeoutMs = 60_000,
): Promise<number[]> {
  return eventually(
    async () => {
      const rows = await requests().find({ accountId: customer.accountId, mode: 'async' }).toArray();
      const owed = rows.filter((row) => row.state !== 'aborted');
      const webhook = new Webhook(customer.webhookSecret);
      const byId = eventsById(received);
      return owed.map((row) => {
        const events = byId.get(`evt_${row._id.slice('req_'.length)}`) ?? [];
        expect([row._id, events.length]).not.toEqual([row._id, 0]);
        for (const { headers, body } of events) {
          // As of when it was signed: after a long run a verifier would find it too old.
          const signedAt = new Date(Number(headers['webhook-timestamp']) * 1_000);
          const id = String(headers['webhook-id']);
          expect(String(headers['webhook-signature']).split(' ')).toContain(webhook.sign(id, signedAt, body));
          expect(JSON.parse(body)).toMatchObject({ type: EVENT_TYPES[row.state], data: { id: row._id } });
        }
        return events.length;
      });
    },
    { timeoutMs, intervalMs: 200 },
  );
}
