import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeAnswer } from './answer.ts';
import type { Calls } from './calls.ts';
import { createChunkWriter, framesOf, usageFields } from './chunks.ts';
import { completionText } from './completion.ts';
import { invalidRequest, sendError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { openExchange } from './exchange.ts';
import type { Fault } from './fault.ts';
import { changedBody, changedFrames, findFaults, shapeWith, wireWith } from './faults.ts';
import type { ChatRequest } from './request.ts';
import { readChatRequest } from './request.ts';
import type { Refusal, Script } from './script.ts';
import { readScript, withoutModelScript } from './script.ts';
import { sendPlain, sendStream } from './stream.ts';
import type { Timers } from './timers.ts';

/** A chat request that has arrived in full. `number` counts the requests of this process and makes the id. */
export type Arrival = {
  incoming: IncomingMessage;
  response: ServerResponse;
  body: Buffer;
  receivedUs: number;
  number: number;
};

/** What a call asks for, once request and script are understood. */
type Understood = { request: ChatRequest; script: Script; active: Fault[] };

/** Answers one chat request as its script says, and counts it. */
export function answerChat(arrival: Arrival, calls: Calls, timers: Timers): void {
  const { incoming, response, body, number } = arrival;
  const requestId = headerOf(incoming, 'x-request-id');
  calls.keep(requestId ?? `req_sandbox_${number}`, incoming, body);
  const understood = understand(body, headerOf(incoming, 'x-sandbox-script'));
  if ('refusal' in understood) {
    sendError(response, 400, invalidRequest(understood.refusal, understood.param));
    return;
  }
  const { request, script, active } = understood;
  const call = calls.begin(requestId, withoutModelScript(request.model));
  const fixedId = script.id === 'change' || script.id === 'none' ? undefined : script.id;
  const identity = {
    id: fixedId ?? `chatcmpl-sandbox${number}`,
    createdS: Math.floor(Date.now() / 1000),
    model: request.model,
  };
  const exchange = openExchange({ request, script, identity, ...arrival }, call, timers);
  run(exchange, script.times !== undefined && call.count > script.times ? [] : active);
}

function understand(body: Buffer, header: string | undefined): Understood | Refusal {
  const request = readChatRequest(body);
  if ('refusal' in request) return request;
  const script = readScript(request.model, request.lastUserText, header);
  if ('refusal' in script) return script;
  const active = findFaults(script.faults);
  return 'refusal' in active ? active : { request, script, active };
}

function run(exchange: Exchange, active: Fault[]): void {
  const { request, script, identity } = exchange;
  const instead = active.find((fault) => fault.instead !== undefined)?.instead;
  if (instead !== undefined) {
    const delayMs = request.stream ? script.firstMs : script.waitMs;
    if (delayMs === 0) instead(exchange);
    else exchange.at(performance.now() + delayMs, () => instead(exchange));
    return;
  }
  const answer = makeAnswer(request, script);
  const shape = shapeWith(active);
  const wire = wireWith(active);
  if (!request.stream) {
    const text = completionText(request, script, answer, identity, shape);
    sendPlain(exchange, text, changedBody(active, text, script), wire);
    return;
  }
  const writer = createChunkWriter(script, identity, usageFields(request, answer, shape));
  const frames = framesOf(request, answer, identity, shape, writer);
  sendStream(exchange, changedFrames(active, frames, script, writer), wire);
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
