import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { ChatCompletionCreateParamsNonStreaming, ChatCompletionTool } from 'openai/resources/chat/completions';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { memberTexts, receivedUpstream, upstreamCounts, waitForUpstreamAbort } from '../helpers/upstream.ts';

const stores = useStores();
let system: System;
let customer: Customer;
let client: OpenAI;
beforeAll(async () => {
  system = await startSystem(stores);
  customer = await system.customer();
  client = customer.client();
});
afterAll(() => system.stop());

const model = 'test/echo';
const user = (content: string) => ({ role: 'user' as const, content });
const WEATHER: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' } },
      required: ['city', 'days'],
    },
  },
};

describe('models', () => {
  test('are listed with prices, and each is found by its id, the slash plain or escaped', async () => {
    const ids: string[] = [];
    for await (const one of client.models.list()) {
      expect(one).toMatchObject({ object: 'model', owned_by: 'test', pricing: { currency: 'RUB' } });
      expect(Number.isInteger(one.created)).toBe(true);
      ids.push(one.id);
    }
    expect(ids).toEqual(expect.arrayContaining(['test/echo', 'test/lorem']));
    const listed = (await client.models.list()).data.find(({ id }) => id === model);
    expect(await client.models.retrieve(model)).toEqual(listed);
    for (const path of ['/v1/models/test/echo', '/v1/models/test%2Fecho', '/v1/models/test%2fecho'])
      expect(await (await customer.fetch(path)).json()).toEqual(listed);
  });

  test('that do not exist are a NotFoundError, however their ids are spelled', async () => {
    for (const id of ['test/none', 'test', 'test/echo/more', 'a b/ü', '%2e%2e/x'])
      await expect(client.models.retrieve(id)).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
        param: 'model',
      });
  });
});

describe('chat', () => {
  test('answers what the provider said, under our request id', async () => {
    const { data, request_id, response } = await client.chat.completions
      .create({ model, messages: [user('Привет, мир 😀')] })
      .withResponse();
    expect(data.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'Привет, мир 😀' },
    });
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(request_id).toMatch(/^req_[0-9a-z]{26}$/);
    expect(response.headers.get('openai-version')).toBe('2020-10-01');
    expect(Number(response.headers.get('openai-processing-ms'))).toBeGreaterThanOrEqual(0);
    expect(response.headers.get('x-ratelimit-limit-requests')).toMatch(/^\d+$/);
    expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+ms|\d+m?\d*s)$/);
  });

  test('streams the same text in order, with one id, time and model in all chunks, and ends with [DONE]', async () => {
    const text = 'Стрим из нескольких слов 😀 and more words';
    const stream = await client.chat.completions.create({ model, stream: true, messages: [user(text)] });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(text);
    for (const name of ['id', 'created', 'model'] as const)
      expect(new Set(chunks.map((chunk) => chunk[name])).size).toBe(1);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    const raw = await (
      await customer.fetch('/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, stream: true, messages: [user(text)] }),
      })
    ).text();
    expect(raw).toMatch(/data: \[DONE\]\n\n$/);
  });

  test('members the SDK does not know survive in a body and in every chunk', async () => {
    const messages = [user('[[sandbox text=echo unknown=1 think=2]] текст')];
    const plain = await client.chat.completions.create({ model, messages });
    expect(plain).toHaveProperty('x_unknown', { list: [1, { deep: null }], text: 'поле' });
    expect(plain.choices[0]?.message).toHaveProperty('reasoning_content');
    for await (const chunk of await client.chat.completions.create({ model, stream: true, messages }))
      expect(chunk).toHaveProperty('x_unknown');
  });
});

describe('tools', () => {
  const params = { model, messages: [user('погода?')], tools: [WEATHER], tool_choice: 'auto' as const };

  test('are called, and the result is answered in the next turn', async () => {
    const first = await client.chat.completions.create(params);
    const [choice] = first.choices;
    const [call] = choice?.message.tool_calls ?? [];
    if (call?.type !== 'function' || !choice) throw new Error('no tool was called');
    expect(choice.finish_reason).toBe('tool_calls');
    expect(JSON.parse(call.function.arguments)).toMatchObject({ city: expect.any(String), days: expect.any(Number) });
    const second = await client.chat.completions.create({
      ...params,
      messages: [...params.messages, choice.message, { role: 'tool', tool_call_id: call.id, content: '{"t":-5}' }],
    });
    expect(second.choices[0]?.finish_reason).toBe('stop');
  });

  test('in fragments of a stream are put together by the SDK to the same calls', async () => {
    const messages = [user('[[sandbox calls=2]] погода?')];
    const whole = await client.chat.completions.create({ ...params, messages });
    const streamed = await client.chat.completions.stream({ ...params, messages }).finalChatCompletion();
    const calls = (answer: OpenAI.ChatCompletion) =>
      answer.choices[0]?.message.tool_calls?.map((call) => (call.type === 'function' ? call.function.arguments : ''));
    expect(calls(streamed)).toHaveLength(2);
    expect(calls(streamed)).toEqual(calls(whole));
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls');
  });
});

describe('the provider gets what the client sent', () => {
  const RICH: ChatCompletionCreateParamsNonStreaming & Record<string, unknown> = {
    model,
    messages: [
      { role: 'system', content: 'Кратко.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'что на картинке?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
        ],
      },
    ],
    n: 2,
    logprobs: true,
    top_logprobs: 3,
    temperature: 0.1,
    seed: 42,
    stop: ['\n\n', '😀'],
    user: 'клиент-7',
    metadata: { a: '1' },
    logit_bias: { '50256': -100 },
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'x',
        strict: true,
        schema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
      },
    },
    x_unknown: { nested: [1, null, { ключ: 'значение' }] },
  };
  const OURS = new Set(['model', 'max_tokens', 'max_completion_tokens', 'stream_options']);

  function expectUntouched(sent: string, received: string): void {
    const [before, after] = [memberTexts(sent), memberTexts(received)];
    for (const [name, text] of Object.entries(before))
      if (!OURS.has(name)) expect([name, after[name]]).toEqual([name, text]);
    for (const name of Object.keys(after)) if (!OURS.has(name)) expect(before).toHaveProperty([name]);
  }

  test('pictures, schemas, log probabilities, n and unknown members, byte for byte, and its answer comes back whole', async () => {
    const { data, request_id } = await client.chat.completions.create(RICH).withResponse();
    expect(data.choices).toHaveLength(2);
    expect(JSON.parse(data.choices[1]?.message.content ?? '')).toEqual({ ok: expect.any(Boolean) });
    expect(data.choices[0]?.logprobs?.content?.[0]?.top_logprobs).toHaveLength(3);
    const received = await receivedUpstream(system.sandboxUrl, request_id ?? '');
    expectUntouched(JSON.stringify(RICH), received.body);
    expect(JSON.parse(received.body)).toMatchObject({ model: 'sandbox@text=echo', max_tokens: 1_000 });
  });

  test('also numbers and escapes that a parser would rewrite, and nothing of the client but the body', async () => {
    const sent = `{ "messages" : [ {"role":"user","content":"\\u041f\\ud83d\\ude00 \\ud800 \\/"} ],\t"seed":9007199254740993 , "top_p":1.0,
      "presence_penalty":-0, "x":[1E+2,1e-7,"\\u0000"], "max_completion_tokens": 17,"model":"test\\/echo","frequency_penalty":0.10 }`;
    const response = await customer.fetch('/v1/chat/completions', {
      method: 'POST',
      body: sent,
      headers: {
        'content-type': 'application/json',
        cookie: 'session=private',
        'x-forwarded-for': '203.0.113.9',
        'openai-organization': 'org',
      },
    });
    expect(response.status).toBe(200);
    const received = await receivedUpstream(system.sandboxUrl, response.headers.get('x-request-id') ?? '');
    expectUntouched(sent, received.body);
    expect(memberTexts(received.body)).toMatchObject({
      max_completion_tokens: '17',
      seed: '9007199254740993',
      presence_penalty: '-0',
    });
    expect(Object.keys(received.headers).sort()).toEqual(
      ['accept', 'accept-encoding', 'connection', 'content-length', 'content-type', 'host', 'x-request-id'].sort(),
    );
  });
});

describe('usage of a stream', () => {
  const stream = (more: object) =>
    client.chat.completions
      .create({ model, stream: true as const, messages: [user('одно два три')], ...more })
      .withResponse();

  test('is always asked of the provider, and shown only to a client that asks', async () => {
    for (const [options, shown] of [
      [{}, 0],
      [{ stream_options: null }, 0],
      [{ stream_options: { include_usage: false } }, 0],
      [{ stream_options: { include_usage: true, include_obfuscation: false } }, 1],
    ] as const) {
      const { data, request_id } = await stream(options);
      const chunks = [];
      for await (const chunk of data) chunks.push(chunk);
      expect(chunks.filter((chunk) => chunk.choices.length === 0 && chunk.usage)).toHaveLength(shown);
      if (shown) expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: expect.any(Number) });
      const { stream_options } = JSON.parse((await receivedUpstream(system.sandboxUrl, request_id ?? '')).body) as {
        stream_options: unknown;
      };
      expect(stream_options).toMatchObject({
        ...('stream_options' in options ? options.stream_options : {}),
        include_usage: true,
      });
      const row = await requests().findOne({ _id: request_id ?? '' });
      expect(row).toMatchObject({ usageSource: 'provider', usage: { completionTokens: 3 } });
    }
  });
});

test('an abort in the middle of a stream reaches the provider, and what was delivered is charged', async () => {
  const { data, request_id } = await client.chat.completions
    .create({ model, stream: true, messages: [user('[[sandbox text=lorem n=1000 d=10]]')] })
    .withResponse();
  const id = request_id ?? '';
  let seen = 0;
  for await (const _chunk of data) if (++seen === 5) data.controller.abort();
  await waitForUpstreamAbort(system.sandboxUrl, id);
  await waitForQuiet();
  const row = await requests().findOne({ _id: id });
  expect(row).toMatchObject({ state: 'cancelled', usageSource: 'estimated', settled: true });
  expect(row?.costMicros).toBeGreaterThan(0n);
  expect(row?.costMicros).toBeLessThan(row?.holdMicros ?? 0n);
  expect((await upstreamCounts(system.sandboxUrl, id)).count).toBe(1);
});

test('an abort before the answer of a plain call reaches the provider and costs nothing', async () => {
  const before = await requests().countDocuments({ accountId: customer.accountId });
  const abort = new AbortController();
  const call = client.chat.completions.create(
    { model, messages: [user('[[sandbox text=echo w=15000]] x')] },
    { signal: abort.signal },
  );
  const gone = expect(call).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
  let id = '';
  await waitForNewest(before, (found) => (id = found));
  abort.abort();
  await gone;
  await waitForUpstreamAbort(system.sandboxUrl, id);
  await waitForQuiet();
  expect(await requests().findOne({ _id: id })).toMatchObject({ state: 'cancelled', costMicros: 0n });
});

async function waitForNewest(before: number, found: (id: string) => void): Promise<void> {
  await eventually(async () => {
    const rows = await requests().find({ accountId: customer.accountId }).sort({ _id: -1 }).toArray();
    expect(rows.length).toBe(before + 1);
    const id = rows[0]?._id ?? '';
    expect((await upstreamCounts(system.sandboxUrl, id)).count).toBe(1);
    found(id);
  });
}

test('after all of this the books are in order and no provider was called twice', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
