import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { micros } from '../helpers/receipt.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { receivedUpstream } from '../helpers/upstream.ts';

const stores = useStores();
let system: System;
beforeAll(async () => {
  system = await startSystem(stores);
});
afterAll(() => system.stop());

type ErrorBody = { error: Record<string, unknown> & { code: string } };

function post(customer: Customer, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return customer.fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'test/echo', messages: [{ role: 'user', content: 'сколько это стоит' }], ...body }),
  });
}

async function refusal(response: Response): Promise<ErrorBody['error'] & { status: number }> {
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, ...error };
}

async function limitsSent(response: Response): Promise<Record<string, unknown>> {
  const { body } = await receivedUpstream(system.sandboxUrl, response.headers.get('x-request-id') ?? '');
  const { max_tokens, max_completion_tokens } = JSON.parse(body) as Record<string, unknown>;
  return {
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(max_completion_tokens === undefined ? {} : { max_completion_tokens }),
  };
}

describe('the output limit', () => {
  test('is told in the reply and sent to the provider: the default when none is asked, the asked one up to the model’s', async () => {
    const customer = await system.customer();
    for (const [asked, limit, sent] of [
      [{}, '1000', { max_tokens: 1_000 }],
      [{ max_tokens: null }, '1000', { max_tokens: 1_000 }],
      [{ max_tokens: 5 }, '5', { max_tokens: 5 }],
      [{ max_completion_tokens: 6 }, '6', { max_completion_tokens: 6 }],
      [{ max_completion_tokens: 6, max_tokens: 9 }, '6', { max_completion_tokens: 6 }],
      [{ max_tokens: 9_999_999 }, '10000', { max_tokens: 10_000 }],
    ] as const) {
      const response = await post(customer, asked);
      expect(response.status).toBe(200);
      expect(response.headers.get('x-max-output-tokens')).toBe(limit);
      expect(await limitsSent(response)).toEqual(sent);
    }
  });

  test('prices the hold: output at its dearest class for every choice, and the input bound', async () => {
    const customer = await system.customer();
    const hold = async (body: object) => micros((await post(customer, body)).headers.get('x-hold-rub'));
    const one = await hold({ max_tokens: 100 });
    expect((await hold({ max_tokens: 101 })) - one).toBe(500n);
    expect((await hold({ max_tokens: 100, n: 3 })) - one).toBe(2n * 100n * 500n);
    expect(one).toBeGreaterThan(100n * 500n);
  });

  test('cannot be passed by the answer: a provider that is told the limit stops there', async () => {
    const customer = await system.customer();
    const answer = await customer.client().chat.completions.create({
      model: 'test/lorem',
      max_tokens: 7,
      messages: [{ role: 'user', content: 'x' }],
    });
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.completion_tokens).toBe(7);
  });
});

describe('X-Max-Cost', () => {
  test('lets a request pass that cannot cost more, and refuses one micro-ruble below its hold, before anything happens', async () => {
    const customer = await system.customer();
    const held = (await post(customer, {})).headers.get('x-hold-rub') ?? '';
    expect((await post(customer, {}, { 'x-max-cost': held })).status).toBe(200);
    const rows = await requests().countDocuments({ accountId: customer.accountId });
    const below = Number(micros(held) - 1n) / 1e6;
    const error = await refusal(await post(customer, {}, { 'x-max-cost': below.toFixed(6) }));
    expect(error).toMatchObject({
      status: 402,
      code: 'max_cost_exceeded',
      type: 'insufficient_quota',
      needed: held,
      max_cost: String(below),
    });
    expect(await requests().countDocuments({ accountId: customer.accountId })).toBe(rows);
  });

  test('with X-Fit-To-Balance lowers the output limit to what the guard allows', async () => {
    const customer = await system.customer();
    const response = await post(customer, {}, { 'x-max-cost': '0.1', 'x-fit-to-balance': 'true' });
    expect(response.status).toBe(200);
    expect(micros(response.headers.get('x-hold-rub'))).toBeLessThanOrEqual(100_000n);
    expect(Number(response.headers.get('x-max-output-tokens'))).toBeGreaterThan(1);
  });
});

describe('X-Fit-To-Balance', () => {
  test('clamps the output limit to the balance: in the hold, in the header and upstream', async () => {
    const customer = await system.customer({ rub: 0.1 });
    expect((await post(customer, {})).status).toBe(402);
    const response = await post(customer, {}, { 'x-fit-to-balance': 'true' });
    expect(response.status).toBe(200);
    const limit = Number(response.headers.get('x-max-output-tokens'));
    expect(limit).toBeGreaterThan(0);
    expect(limit).toBeLessThan(200);
    expect(await limitsSent(response)).toEqual({ max_tokens: limit });
    const held = micros(response.headers.get('x-hold-rub'));
    expect(held).toBeLessThanOrEqual(100_000n);
    expect(held + 500n).toBeGreaterThan(100_000n);
    expect(micros(response.headers.get('x-balance-rub'))).toBe(100_000n - held);
  });

  test('never raises what was asked, and says what is needed when not even one token fits', async () => {
    const customer = await system.customer({ rub: 0.1 });
    const small = await post(customer, { max_tokens: 3 }, { 'x-fit-to-balance': 'true' });
    expect(small.headers.get('x-max-output-tokens')).toBe('3');
    const poor = await system.customer({ rub: 0.000_1 });
    const error = await refusal(await post(poor, {}, { 'x-fit-to-balance': 'true' }));
    expect(error).toMatchObject({ status: 402, code: 'insufficient_balance', available: '0.0001' });
  });
});

test('a 402 says apart what is available, what running requests hold, and what is needed', async () => {
  const customer = await system.customer({ rub: 1 });
  const running = post(customer, { messages: [{ role: 'user', content: '[[sandbox text=echo w=1500]] x' }] });
  await eventually(async () => expect((await accounts().findOne({ _id: customer.accountId }))?.open).toBe(1));
  const account = await accounts().findOne({ _id: customer.accountId });
  const error = await refusal(await post(customer, { max_tokens: 1_500 }));
  const held = Number(account?.heldMicros) / 1e6;
  expect(error).toMatchObject({
    status: 402,
    code: 'insufficient_balance',
    type: 'insufficient_quota',
    param: null,
    currency: 'RUB',
    available: String(Number(account?.availableMicros) / 1e6),
    held_by_running: String(held),
    running_requests: 1,
    message: expect.stringContaining('RUB needed'),
  });
  expect(micros(String(error.needed))).toBeGreaterThan(1_500n * 500n);
  expect((await running).status).toBe(200);
  const aborted = await requests().findOne({ accountId: customer.accountId, state: 'aborted' });
  expect(aborted).toMatchObject({ settled: true, costMicros: 0n });
  expect(aborted).not.toHaveProperty('input');
});

describe('a spend limit of a key', () => {
  test.each(['dailyMicros', 'monthlyMicros', 'lifetimeMicros'] as const)(
    'is exact under concurrency (%s): of thirty calls for a ruble each, seven fit into 7.5',
    async (name) => {
      const customer = await system.customer({ rub: 1_000, key: { limits: { [name]: 7_500_000n } } });
      const answers = await Promise.all(
        Array.from({ length: 30 }, () =>
          post(customer, { model: 'test/one-ruble' }).then(async (one) => [one.status, await one.json()] as const),
        ),
      );
      const refused = answers.filter(([status]) => status !== 200);
      expect(answers.length - refused.length).toBe(7);
      const window = name.replace('Micros', '');
      for (const [status, body] of refused) {
        expect(status).toBe(402);
        expect(body).toMatchObject({
          error: { code: 'spend_limit_reached', type: 'insufficient_quota', limit: window },
        });
      }
      await waitForQuiet();
      const account = await accounts().findOne({ _id: customer.accountId });
      expect(account?.availableMicros).toBe(993_000_000n);
      expect(account?.spend[customer.keyId]?.total).toBe(7_000_000n);
      const { data } = (await (await customer.fetch('/v1/key')).json()) as { data: object };
      expect(data).toMatchObject({ limit: 7.5, limit_remaining: 0.5, usage: 7 });
    },
  );

  test('counts what is charged, not what was held: a released hold makes room again', async () => {
    const customer = await system.customer({ rub: 1_000, key: { limits: { lifetimeMicros: 1_000_000n } } });
    for (let call = 0; call < 5; call++) {
      const response = await post(customer, {});
      expect(micros(response.headers.get('x-hold-rub'))).toBeGreaterThan(500_000n);
      expect(response.status).toBe(200);
      await waitForQuiet();
    }
  });

  test('of one key does not bind another key of the account, and 402 comes from the tighter of several', async () => {
    const customer = await system.customer({
      key: { limits: { dailyMicros: 3_000_000n, lifetimeMicros: 2_000_000n } },
    });
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push((await post(customer, { model: 'test/one-ruble' })).status);
    expect(statuses).toEqual([200, 200, 402]);
    expect(await refusal(await post(customer, { model: 'test/one-ruble' }))).toMatchObject({ limit: 'lifetime' });
  });
});

test('after all of this the books are in order and no provider was called twice', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
