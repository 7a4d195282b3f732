import type { Customer, System } from '../helpers/system.ts';
import { bodyOf, type Call, collectEvents, type Reply, requestIdOf, send } from '../helpers/traffic.ts';
import type { Random } from './random.ts';

/** Clients as they are: most wait for their answer, some go away in the middle, some of those come back for the rest. */
export type Visit = {
  customer: Customer;
  call: Call;
  /** Goes away after so many events of its stream. */
  leavesAfter?: number;
  comesBack?: boolean;
};

export type Visited = Visit & {
  reply: Reply;
  /** By number, what came of a stream before and after the interruption. */
  events: Map<number, string>;
  /** The rest came to its end. */
  resumed: boolean;
};

const TRIES_MAX = 60;

/** Shares of the provider's faults, out of a hundred calls. */
const FAULTS: readonly [share: number, script: string][] = [
  [3, 'fault=500'],
  [2, 'fault=429'],
  [1, 'fault=hang'],
  [1, 'fault=reset-mid'],
  [1, 'fault=html'],
  [1, 'fault=usage-missing'],
  [1, 'fault=usage-negative'],
];

function providerScript(random: Random): string {
  let draw = random.next() * 100;
  for (const [share, script] of FAULTS) {
    draw -= share;
    if (draw < 0) return `${script},d=30`;
  }
  return `d=${random.between(20, 80)},w=${random.between(50, 900)}`;
}

/** @param number makes the Idempotency-Key, which two of five have. */
export function planVisit(customer: Customer, number: number, callbackUrl: string, random: Random): Visit {
  const draw = random.next();
  const mode = draw < 0.6 ? 'stream' : draw < 0.85 ? 'sync' : 'async';
  const leaves = mode === 'stream' && random.chance(1 / 3);
  const comesBack = random.chance(0.5);
  return {
    customer,
    call: {
      mode,
      script: providerScript(random),
      text: `said by ${customer.accountId} `.repeat(2),
      ...(mode === 'async' ? { callbackUrl } : {}),
      ...(random.chance(0.4) ? { idempotencyKey: `chaos-${number}` } : {}),
      ...(leaves && comesBack ? { headers: { 'x-on-disconnect': 'finish' } } : {}),
    },
    ...(leaves ? { leavesAfter: random.between(0, 8), comesBack } : {}),
  };
}

const someApi = (system: System, random: Random) => system.apis[random.between(0, system.apis.length - 1)];
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Never rejects. Who has a key repeats until there is an answer; the others take what they get. */
export async function visit(plan: Visit, system: System, random: Random): Promise<Visited> {
  const visited: Visited = { ...plan, reply: await ask(plan, system, random), events: new Map(), resumed: false };
  collectEvents(visited.events, visited.reply.body);
  if (plan.leavesAfter === undefined) return visited;
  if (plan.comesBack && requestIdOf(visited.reply) !== '') await comeBack(visited, system, random);
  return visited;
}

async function ask(plan: Visit, system: System, random: Random): Promise<Reply> {
  const { customer, call, leavesAfter } = plan;
  const once = () => {
    const api = someApi(system, random);
    return leavesAfter === undefined
      ? send(customer, { ...call, api })
      : sendAndLeave(customer, { ...call, api }, leavesAfter);
  };
  let reply = await once();
  const isAnswered = () => leavesAfter !== undefined || (reply.complete && !mayRepeat(reply));
  for (let attempt = 0; call.idempotencyKey !== undefined && !isAnswered() && attempt < TRIES_MAX; attempt++) {
    await pause(300 + random.between(0, 700));
    reply = await once();
  }
  return reply;
}

const mayRepeat = ({ status, headers }: Reply) => status === 503 && headers.get('x-should-retry') === 'true';

/** Reads so many events and drops the connection. */
async function sendAndLeave(customer: Customer, call: Call, events: number): Promise<Reply> {
  const leaving = new AbortController();
  const reply: Reply = { call, status: 0, headers: new Headers(), body: '', complete: false };
  try {
    const response = await customer.fetch('/v1/chat/completions', {
      method: 'POST',
      signal: leaving.signal,
      headers: {
        'content-type': 'application/json',
        ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
        ...call.headers,
      },
      body: bodyOf(call),
      ...(call.api ? { api: call.api } : {}),
    });
    reply.status = response.status;
    reply.headers = response.headers;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      reply.body += decoder.decode(chunk as Uint8Array, { stream: true });
      if ((reply.body.match(/^id: /gm) ?? []).length >= events) break;
    }
  } catch {
    // As far as it came.
  } finally {
    leaving.abort();
  }
  return reply;
}

/** Asks for the rest until its end has come, or until the request is known not to exist. */
async function comeBack(visited: Visited, system: System, random: Random): Promise<void> {
  const { customer, reply, events } = visited;
  for (let attempt = 0; attempt < TRIES_MAX && !visited.resumed; attempt++) {
    await pause(200 + random.between(0, 500));
    const api = someApi(system, random);
    const last = Math.max(0, ...events.keys());
    const init = { headers: { 'last-event-id': String(last) }, ...(api ? { api } : {}) };
    try {
      const response = await customer.fetch(`/v1/requests/${requestIdOf(reply)}/stream`, init);
      const body = await response.text();
      if (response.status === 404) return;
      collectEvents(events, body);
      visited.resumed = response.status === 200 && isOver(body);
    } catch {
      // Cut off again.
    }
  }
}

/** [DONE], or an error that is not merely the farewell of an api process. */
const isOver = (body: string) =>
  body.includes('data: [DONE]') || (body.includes('"error"') && !body.includes('"resume"'));
