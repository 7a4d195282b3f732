import type { NextFunction, Request, Response } from 'express';
import { type Acceptance, findRepeated } from '../requests/accept.ts';
import type { Ticket } from '../requests/admission.ts';
import type { PlannedCall } from './chat-call.ts';
import type { ApiDependencies } from './context.ts';
import { sendError } from './middleware/errors.ts';

/** The gates before a new request: is there room for it, and may this key have it. Nothing is written by them. */

/** A larger body is not read only to keep its connection. */
const READ_AWAY_BYTES_MAX = 65_536;
/**
 * Refuses a call by its head alone while nobody can be let in, so that a refusal costs a fraction of a request. Repeats
 * and asynchronous calls go on, for they may be answered all the same.
 */
export function shedEarly({ admission }: Pick<ApiDependencies, 'admission'>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const { headers } = request;
    if (headers['idempotency-key'] !== undefined || headers.prefer !== undefined) {
      next();
      return;
    }
    const refusal = admission.refusalOfAll();
    if (!refusal) next();
    else if (Number(headers['content-length'] ?? Number.POSITIVE_INFINITY) <= READ_AWAY_BYTES_MAX) {
      request.once('end', () => sendError(response, refusal));
      request.resume();
    } else throw refusal;
  };
}

type Gates = Pick<ApiDependencies, 'admission' | 'rateLimits' | 'config'>;

/**
 * Room in the queue, then the key's rate limits, whose headers are set.
 * @returns what has to be told when the call is in the queue and when its client has left.
 * @throws overloaded, too_many_open_requests or rate_limit_exceeded.
 */
export async function admitCall(
  call: PlannedCall,
  acceptance: Acceptance,
  response: Response,
  deps: Gates,
): Promise<Ticket> {
  const isRepeat = acceptance.idempotency ? async () => (await findRepeated(acceptance)) !== undefined : undefined;
  const ticket = await deps.admission.admit(acceptance, isRepeat);
  try {
    const release = await takeKeySlot(call, response, deps);
    const left = () => {
      ticket.left();
      release();
    };
    return { accepted: ticket.accepted, left };
  } catch (error) {
    ticket.left();
    throw error;
  }
}

/** Rate limits of the key. Returns the function that gives its slot back, which may be called any number of times. */
async function takeKeySlot(
  { principal, requestId, plan, mode }: PlannedCall,
  response: Response,
  deps: Pick<Gates, 'rateLimits' | 'config'>,
): Promise<() => void> {
  // A rough figure for a rate, not a bill: about four bytes a token, and the output limit.
  const tokens = Math.ceil(plan.inputTokensBound / 4) + plan.outputTokensMax * plan.choices;
  const outcome = await deps.rateLimits.admitKey(principal, tokens, requestId, deps.config.requests.deadlineMs[mode]);
  for (const [name, value] of Object.entries(outcome.headers)) response.setHeader(name, value);
  if (!outcome.admitted) throw outcome.error;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    void deps.rateLimits.releaseKey(principal, requestId);
  };
}
