import { Agent } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { runs } from '../helpers/property-runs.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { requestIdOf, send } from '../helpers/traffic.ts';
import { type Call, hostileCall, sendCall } from './hostile-calls.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261122);
const BODIES = Number(process.env.FUZZ_BODIES ?? 2_400);
const AT_ONCE = 12;
const PROPERTY_MS_MAX = 1_800_000;

const stores = useStores();
let system: System;
let customer: Customer;
beforeAll(async () => {
  system = await startSystem(stores, { env: { RATE_BAD_KEYS_PER_MINUTE: '100000' } });
  customer = await system.customer({ rub: 100_000 });
});
afterAll(() => system.stop());

/** mulberry32: the same seed gives the same bodies on every machine. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const WHOLE = Buffer.from(
  JSON.stringify({
    model: 'test/echo',
    messages: [
      { role: 'system', content: 'Кратко 😀' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'x' },
          { type: 'image_url', image_url: { url: 'data:,' } },
        ],
      },
    ],
    stream: false,
    n: 1,
    max_tokens: 10,
    temperature: 0.5,
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }],
    tool_choice: 'none',
    stream_options: { include_usage: true },
    response_format: { type: 'text' },
    seed: 1,
  }),
);

const TOKENS = [
  '{', '}', '[', ']', ',', ':', '"', '\\', '\u0000', '\n', 'null', 'true', '-0', '1e400', '9007199254740993', '0.1e-9', '"__proto__":1,',
  '"constructor":{},', '"model":"test/echo",', '\\ud800', '"$where":1,', '"stream":true,', '"n":16,', '"max_tokens":null,', '\uFEFF', '[[[[[[[[', '😀',
].map((text) => Buffer.from(text)); // biome-ignore format: a table of fragments

type Pick = (below: number) => number;

/** Flips, cuts, doubles, swaps and plants: one to four damages to a good body. */
function mutated(pick: Pick): Buffer {
  let bytes: Buffer = Buffer.from(WHOLE);
  for (let damages = 1 + pick(4); damages > 0; damages--) {
    const at = pick(bytes.length + 1);
    const length = pick(20);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const token = TOKENS[pick(TOKENS.length)] ?? Buffer.alloc(0);
    switch (pick(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
        break;
      case 1:
        bytes = Buffer.concat([before, after.subarray(length)]);
        break;
      case 2:
        bytes = Buffer.concat([before, token, after]);
        break;
      case 3:
        bytes = Buffer.concat([before, token, after.subarray(token.length)]);
        break;
      case 4:
        bytes = Buffer.concat([before, after.subarray(0, length), after]);
        break;
      case 5:
        bytes = Buffer.from(before);
        break;
      default:
        bytes = Buffer.concat([before, Buffer.from([pick(256), pick(256)]), after]);
    }
  }
  return bytes;
}

function headersOf(pick: Pick): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  const odd = ['', '0', '-1', 'true', 'false', 'NaN', '1.5', 'x'.repeat(300), '$', '{}', 'finish', 'respond-async'];
  const names = [
    'idempotency-key',
    'x-max-cost',
    'x-fit-to-balance',
    'x-on-disconnect',
    'x-zero-retention',
    'prefer',
    'x-callback-url',
  ];
  for (const name of names) if (pick(12) === 0) headers[name] = odd[pick(odd.length)] ?? '';
  return headers;
}

async function sendOne(bytes: Buffer, headers: Record<string, string>): Promise<number> {
  const response = await customer.fetch('/v1/chat/completions', {
    method: 'POST',
    headers,
    body: new Uint8Array(bytes),
  });
  const text = await response.text();
  const { status } = response;
  const shown = () => JSON.stringify({ status, text: text.slice(0, 300), headers, body: bytes.toString('latin1') });
  if (status >= 500 || (status >= 300 && status < 400)) throw new Error(`not the client's mistake: ${shown()}`);
  if (status < 400) return status;
  const { error } = JSON.parse(text) as { error?: Record<string, unknown> };
  const whole = ['message', 'type', 'param', 'code'].every((name) => error && Object.hasOwn(error, name));
  if (!whole || typeof error?.code !== 'string') throw new Error(`not an error of ours: ${shown()}`);
  return status;
}

/** The processes live and have nothing to complain of, the books are in order, and a normal call works. */
async function expectUnharmed(): Promise<void> {
  expect(system.apis[0]?.process.child.exitCode).toBeNull();
  expect(system.workers[0]?.process.child.exitCode).toBeNull();
  expect(system.apis[0]?.process.output()).not.toMatch(/"level":"(error|fatal)"/);
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  expect(await accounts().findOne({ _id: customer.accountId })).toMatchObject({ open: 0, heldMicros: 0n, holds: {} });
  expect(await requests().countDocuments({ settled: false })).toBe(0);
  const answer = await customer
    .client()
    .chat.completions.create({ model: 'test/echo', messages: [{ role: 'user', content: 'жив' }] });
  expect(answer.choices[0]?.message.content).toBe('жив');
}

test(`${BODIES} damaged bodies (seed ${SEED}) are answered with a typed 4xx or an answer, never with a fault of ours`, async () => {
  const pick = generator(SEED);
  const work = Array.from({ length: BODIES }, () => [mutated(pick), headersOf(pick)] as const);
  const counts = new Map<number, number>();
  let next = 0;
  const sender = async () => {
    for (let one = work[next++]; one; one = work[next++]) {
      const status = await sendOne(...one);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(BODIES);
  expect(counts.get(400)).toBeGreaterThan(BODIES / 4);
  expect((counts.get(200) ?? 0) + (counts.get(202) ?? 0)).toBeGreaterThan(0);
  await expectUnharmed();
}, 180_000);

/** Words that only the inside of the product or somebody else's data would bring into an answer. */
const LEAKS = /node_modules|\bat .*[.](ts|js|mjs):\d+|Mongo\w*Error|\bE11000\b|ECONN|\/dist\/|\/src\//;

test(
  'P9: any call to any route is answered, a mistake with a typed error, and tells nothing of the inside or of others',
  async () => {
    const other = await system.customer({ rub: 10 });
    const secret = 'canary-of-somebody-else';
    const ids = {
      own: requestIdOf(await send(customer, { mode: 'stream' })),
      foreign: requestIdOf(await send(other, { mode: 'stream', text: secret })),
    };
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    const url = system.apis[0]?.url ?? '';
    const seen = new Set<number>();
    const expectAnswered = async (call: Call) => {
      const { status, headers: answered, text } = await sendCall(url, agent, call);
      seen.add(status);
      const whole = `${JSON.stringify(answered)}${text}`;
      expect(status).toBeLessThan(500);
      expect(status).toBeGreaterThanOrEqual(200);
      expect(Math.floor(status / 100)).not.toBe(3);
      for (const word of [secret, other.key, other.accountId, other.keyId]) expect(whole).not.toContain(word);
      expect(whole).not.toMatch(LEAKS);
      if (status < 400) return;
      expect(answered['x-request-id']).toMatch(/^req_[0-9a-z]{26}$/);
      // What a person opened by a link is told on a page.
      if (answered['content-type']?.startsWith('text/html') && call.path.startsWith('/archives/')) return;
      expect(answered['content-type']).toBe('application/json; charset=utf-8');
      if (call.method === 'HEAD') return;
      const { error } = JSON.parse(text) as { error: Record<string, unknown> };
      expect(error).toMatchObject({ message: expect.any(String), type: expect.any(String), code: expect.any(String) });
      expect(error.param === null || typeof error.param === 'string').toBe(true);
      expect(text.length).toBeLessThan(2_000);
    };
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(hostileCall(customer.key, ids), { minLength: 1, maxLength: AT_ONCE }),
          async (calls) => {
            await Promise.all(calls.map(expectAnswered));
          },
        ),
        { ...runs(150), interruptAfterTimeLimit: PROPERTY_MS_MAX, markInterruptAsFailure: true },
      );
    } finally {
      agent.destroy();
    }
    await expectUnharmed();
  },
  PROPERTY_MS_MAX + 60_000,
);
