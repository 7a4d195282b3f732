import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type OpenAI from 'openai';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { type Balance, micros, recomputed, type Shown } from '../helpers/receipt.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { upstreamCounts } from '../helpers/upstream.ts';
import { closeReceivers, type Received, startReceiver } from '../webhooks/receiver.ts';

const stores = useStores();
let system: System;
let customer: Customer;
let client: OpenAI;
beforeAll(async () => {
  system = await startSystem(stores);
  customer = await system.customer();
  client = customer.client();
});
afterEach(closeReceivers);
afterAll(() => system.stop());

const ask = (content: string, more: object = {}) => ({
  model: 'test/echo',
  messages: [{ role: 'user', content }],
  ...more,
});

/** Posts with `Prefer: respond-async`, as the SDK does for any path. */
function later(body: object, headers: Record<string, string> = {}, by = client) {
  return by.post<Shown>('/chat/completions', { body, headers: { prefer: 'respond-async', ...headers } }).withResponse();
}

const show = (id: string) => client.get<Shown>(`/requests/${id}`, {});
function untilShown(id: string, status: string): Promise<Shown> {
  return eventually(async () => {
    const shown = await show(id);
    expect(shown).toMatchObject({ status, receipt: { settled: true } });
    return shown;
  });
}

describe('Prefer: respond-async', () => {
  test('accepts at once, and the answer is fetched later, the same bytes the provider sent', async () => {
    const { data, response } = await later(ask('[[sandbox text=echo w=300]] позже'));
    expect(response.status).toBe(202);
    expect(data).toMatchObject({
      object: 'request',
      status: 'queued',
      mode: 'async',
      stream: false,
      id: response.headers.get('x-request-id'),
    });
    expect(response.headers.get('location')).toBe(`/v1/requests/${data.id}`);
    expect(response.headers.get('preference-applied')).toBe('respond-async');
    const done = await untilShown(data.id, 'completed');
    expect(done.response?.choices[0]?.message.content).toBe('позже');
    expect(done.error).toBeNull();
  });

  test('takes a stream too: all events, kept or live, under their numbers', async () => {
    const { data } = await later(ask('[[sandbox text=lorem n=20 d=10]]', { stream: true }));
    const read = async (from: number) => {
      const response = await customer.fetch(`/v1/requests/${data.id}/stream?starting_after=${from}`);
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      return response.text();
    };
    const live = await read(0);
    expect(live).toMatch(/^id: 1\ndata: \{/m);
    expect(live).toMatch(/data: \[DONE\]\n\n$/);
    await untilShown(data.id, 'completed');
    const events = (text: string) => text.replaceAll(/^: .*\n\n/gm, '').split('\n\n');
    expect(events(await read(0))).toEqual(events(live));
    expect(events(await read(7))).toEqual(events(live).slice(7));
  });

  test('tells of a failure with the same error a waiting client would get, and charges nothing', async () => {
    const { data } = await later(ask('[[sandbox fault=context]]'));
    const failed = await untilShown(data.id, 'failed');
    expect(failed.error).toEqual({
      code: 'provider_rejected',
      message: "This model's maximum context length is 8192 tokens.",
    });
    expect(failed.receipt).toMatchObject({ charged: '0', released: failed.receipt.held, usage_source: 'none' });
    expect(failed).not.toHaveProperty('response');
  });

  test('is cancelled on request, once or twice; the provider is left, and a finished one stays as it is', async () => {
    const { data } = await later(ask('[[sandbox w=15000]]'));
    await eventually(async () => expect((await upstreamCounts(system.sandboxUrl, data.id)).count).toBe(1));
    const cancel = () => client.post<Shown>(`/requests/${data.id}/cancel`, {});
    await cancel();
    await untilShown(data.id, 'cancelled');
    await eventually(async () => expect((await upstreamCounts(system.sandboxUrl, data.id)).aborted).toBe(1));
    expect(await cancel()).toMatchObject({ status: 'cancelled', receipt: { charged: '0' } });
    const { data: other } = await later(ask('done'));
    await untilShown(other.id, 'completed');
    expect(await client.post<Shown>(`/requests/${other.id}/cancel`, {})).toMatchObject({ status: 'completed' });
  });

  test('shows a request to its own account only', async () => {
    const { data } = await later(ask('mine'));
    const stranger = await system.customer();
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/stream'],
      ['POST', '/cancel'],
    ] as const) {
      const response = await stranger.fetch(`/v1/requests/${data.id}${path}`, { method });
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
    }
    await untilShown(data.id, 'completed');
  });
});

describe('the receipt', () => {
  test('adds up to the micro-ruble: held = charged + released, charged = usage times prices, balance = before - charged', async () => {
    const before = await client.get<Balance>('/balance', {});
    const script = '[[sandbox text=echo prompt=77 completion=333 cached=20 reasoning=31]]';
    const { data, response } = await later(ask(`${script} считаем`, { max_tokens: 400 }));
    const done = await untilShown(data.id, 'completed');
    const { held, charged, released } = done.receipt;
    expect(held).toBe(response.headers.get('x-hold-rub'));
    expect(micros(held)).toBe(micros(charged) + micros(released));
    expect(micros(charged)).toBe(57n * 100n + 20n * 50n + 302n * 400n + 31n * 500n);
    expect(micros(charged)).toBe(recomputed(done));
    expect(done.cost?.amount).toBe(charged);
    expect(done.receipt).toMatchObject({ usage_source: 'provider', under_review: false });
    const after = await client.get<Balance>('/balance', {});
    expect(micros(after.available)).toBe(micros(before.available) - micros(charged));
    expect(after).toMatchObject({ held: '0', running_requests: 0 });
  });

  test('of an estimated bill says so, and adds up all the same', async () => {
    const { data } = await later(ask('[[sandbox text=echo fault=usage-missing]] один два три'));
    const done = await untilShown(data.id, 'completed');
    expect(done.receipt).toMatchObject({ usage_source: 'estimated', under_review: false });
    expect(micros(done.receipt.charged)).toBe(recomputed(done));
    expect(micros(done.receipt.charged)).toBeGreaterThan(0n);
  });

  test('while a request runs, balance and key show what it holds', async () => {
    const fresh = await system.customer({
      rub: 10,
      key: { limits: { dailyMicros: 5_000_000n, lifetimeMicros: 9_000_000n } },
    });
    const own = fresh.client();
    const { data, response } = await later(ask('[[sandbox w=15000]]'), {}, own);
    const held = micros(response.headers.get('x-hold-rub'));
    const balance = await own.get<Balance>('/balance', {});
    expect([micros(balance.held), micros(balance.available), balance.running_requests]).toEqual([
      held,
      10_000_000n - held,
      1,
    ]);
    const { data: key } = await own.get<{ data: Record<string, unknown> }>('/key', {});
    expect(key).toMatchObject({
      label: 'test',
      currency: 'RUB',
      limit: 5,
      limit_reset: 'daily',
      is_free_tier: false,
      expires_at: null,
    });
    expect([key.usage, key.usage_daily, key.usage_monthly]).toEqual(new Array(3).fill(Number(held) / 1e6));
    expect(key.limit_remaining).toBeCloseTo(5 - Number(held) / 1e6, 9);
    await own.post(`/requests/${data.id}/cancel`, {});
    await waitForQuiet();
    expect((await own.get<{ data: Record<string, unknown> }>('/key', {})).data).toMatchObject({
      usage: 0,
      limit_remaining: 5,
    });
  });
});

describe('a webhook', () => {
  async function delivery(body: object): Promise<{ event: Received; id: string }> {
    const receiver = await startReceiver();
    const { data } = await later(body, { 'x-callback-url': receiver.url });
    await eventually(() => expect(receiver.received).toHaveLength(1));
    const [event] = receiver.received;
    if (!event) throw new Error('nothing was received');
    return { event, id: data.id };
  }
  const unwrap = (body: string, headers: Record<string, string>, secret = customer.webhookSecret) =>
    client.webhooks.unwrap(body, headers, secret) as unknown as Promise<{ id: string; type: string; data: Shown }>;
  const signed = ({ headers }: Received) =>
    Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
    );

  test('arrives signed for the stock SDK, with the request and its answer', async () => {
    const { event, id } = await delivery(ask('[[sandbox text=echo]] вебхук 😀'));
    const { type, data, ...rest } = await unwrap(event.body, signed(event));
    expect(rest).toMatchObject({ object: 'event', id: event.headers['webhook-id'], created_at: expect.any(Number) });
    expect(type).toBe('request.completed');
    expect(data).toMatchObject({
      id,
      status: 'completed',
      response: { choices: [{ message: { content: 'вебхук 😀' } }] },
    });
    expect(micros(data.receipt.held)).toBe(micros(data.receipt.charged) + micros(data.receipt.released));
    expect(micros(data.receipt.charged)).toBe(recomputed(data));
    expect(event.headers['content-type']).toBe('application/json');
    expect(JSON.stringify(event.headers)).not.toContain(customer.key);
  });

  test('with any single bit changed in body, id, time or signature is refused, and so is another secret', async () => {
    const { event } = await delivery(ask('x'));
    const headers = signed(event);
    await unwrap(event.body, headers);
    const refused = (body: string, changed: Record<string, string>, secret?: string) =>
      expect(unwrap(body, changed, secret)).rejects.toThrow(/signature|timestamp/i);
    const flip = (text: string, bit: number) => {
      const bytes = Buffer.from(text, 'latin1');
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return bytes.toString('latin1');
    };
    for (let at = 0; at < event.body.length; at++) await refused(flip(event.body, at * 8 + (at % 7)), headers);
    for (const name of ['webhook-id', 'webhook-timestamp'])
      for (let bit = 0; bit < (headers[name] ?? '').length * 8; bit += 1) {
        const value = flip(headers[name] ?? '', bit);
        // What cannot stand in a header cannot arrive, and parsers cut spaces off its ends.
        if (/^[\x21-\x7e]+$/.test(value)) await refused(event.body, { ...headers, [name]: value });
      }
    const signature = Buffer.from((headers['webhook-signature'] ?? '').slice('v1,'.length), 'base64');
    expect(signature).toHaveLength(32);
    for (let bit = 0; bit < 256; bit++) {
      const changed = Buffer.from(flip(signature.toString('latin1'), bit), 'latin1').toString('base64');
      await refused(event.body, { ...headers, 'webhook-signature': `v1,${changed}` });
    }
    await refused(event.body, headers, (await system.customer()).webhookSecret);
  });

  test('tells of failure and cancellation too', async () => {
    const { event } = await delivery(ask('[[sandbox fault=422]]'));
    expect(await unwrap(event.body, signed(event))).toMatchObject({
      type: 'request.failed',
      data: { status: 'failed', error: { code: 'provider_rejected' } },
    });
    const receiver = await startReceiver();
    const { data } = await later(ask('[[sandbox w=15000]]'), { 'x-callback-url': receiver.url });
    await client.post(`/requests/${data.id}/cancel`, {});
    await eventually(() => expect(receiver.received).toHaveLength(1));
    const [cancelled] = receiver.received;
    if (!cancelled) throw new Error('nothing was received');
    expect(await unwrap(cancelled.body, signed(cancelled))).toMatchObject({
      type: 'request.cancelled',
      data: { id: data.id },
    });
  });
});

test('after all of this the books are in order and no provider was called twice', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  expect(await requests().countDocuments({ review: { $exists: true } })).toBe(0);
});
