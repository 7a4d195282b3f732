import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { Listening } from '../../src/sandbox/server.ts';
import { createSandbox } from '../../src/sandbox/server.ts';
import { askRaw } from './wire.ts';

type Body = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;

const weather: OpenAI.Chat.ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 3 } },
      required: ['city', 'days'],
    },
  },
};
const clock: OpenAI.Chat.ChatCompletionTool = { type: 'function', function: { name: 'clock' } };
const canary = 'Канарейка 7f3a-😀 <b>"quoted"</b>\n\ttail  ';

let listening: Listening;
let openai: OpenAI;

beforeAll(async () => {
  listening = await createSandbox({}).listen(0);
  openai = new OpenAI({ baseURL: `http://127.0.0.1:${listening.port}/v1`, apiKey: 'any', maxRetries: 0 });
});

afterAll(() => listening.close());

function body(content: string, more: Partial<Body> = {}): Body {
  return { model: 'sandbox', messages: [{ role: 'user', content }], ...more };
}

async function complete(content: string, more: Partial<Body> = {}) {
  const completion = await openai.chat.completions.create(body(content, more));
  const [choice] = completion.choices;
  if (choice === undefined) throw new Error('no choice');
  return { completion, choice, text: choice.message.content ?? '' };
}

async function stream(content: string, more: Partial<Body> = {}) {
  const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
  for await (const chunk of await openai.chat.completions.create({ ...body(content, more), stream: true })) {
    chunks.push(chunk);
  }
  const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta));
  return { chunks, deltas, text: deltas.map((delta) => delta.content ?? '').join('') };
}

describe('the answer', () => {
  test('says in English that no model was called and echoes the message', async () => {
    const { text, choice, completion } = await complete('Hello there');
    expect(text).toBe('This is the sandbox answer of Ocelotiq: no real model was called. Your message: Hello there');
    expect(choice.finish_reason).toBe('stop');
    expect(completion.usage).toEqual({
      prompt_tokens: expect.any(Number),
      completion_tokens: expect.any(Number),
      total_tokens: (completion.usage?.prompt_tokens ?? 0) + (completion.usage?.completion_tokens ?? 0),
    });
  });

  test('says it in Russian when the last message is Russian', async () => {
    const { text } = await complete('Привет');
    expect(text).toBe('Это ответ песочницы Ocelotiq: настоящая модель не вызывалась. Ваше сообщение: Привет');
  });

  test('is the same text in a stream, in several chunks of one identity', async () => {
    const { chunks, text } = await stream('Привет');
    expect(text).toBe((await complete('Привет')).text);
    expect(chunks.length).toBeGreaterThan(5);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  test('echoes a canary exactly, token by token', async () => {
    const { text, deltas } = await stream(canary, { model: 'sandbox@text=echo' });
    expect(text).toBe(canary);
    expect(deltas.filter((delta) => delta.content).length).toBeGreaterThan(5);
    expect((await complete(canary, { model: 'sandbox@text=echo' })).text).toBe(canary);
  });

  test('echoes what follows a script in the message', async () => {
    expect((await complete('[[sandbox text=echo]] canary')).text).toBe('canary');
  });

  test('is the same bytes for the same request, apart from id and time', async () => {
    for (const stream of [true, false]) {
      const ask = { stream, message: canary, extra: { n: 2, tools: [weather], logprobs: true, seed: 1 } };
      const [first, second] = [await askRaw(listening.port, ask), await askRaw(listening.port, ask)];
      const bare = (text: string) => text.replace(/sandbox\d+/gu, 'sandbox').replace(/"created":\d+/gu, '');
      expect(first.text).not.toBe(second.text);
      expect(bare(first.text)).toBe(bare(second.text));
    }
  });

  test('carries clock stamps that a reader on the same machine can compare with its own clock', async () => {
    const now = () => Number(process.hrtime.bigint() / 1000n);
    const before = now();
    const { text, deltas } = await stream('x', { model: 'sandbox@text=stamp,n=4,d=2' });
    const plain = await complete('x', { model: 'sandbox@text=stamp,n=4' });
    const after = now();
    const times = [...text.matchAll(/ @T(\d{15});/gu)].map(([, digits]) => Number(digits));
    expect(times).toHaveLength(4);
    expect(deltas.filter((delta) => / @T\d{15};$/u.test(delta.content ?? ''))).toHaveLength(4);
    const [, received, sent] = /@R(\d{15});@T(\d{15});$/u.exec(plain.text) ?? [];
    const all = [before, ...times, Number(received), Number(sent), after];
    expect(all).toEqual([...all].sort((a, b) => a - b));
  });
});

describe('what a request may ask for', () => {
  test('a limit of tokens cuts the answer and says so', async () => {
    const { choice, completion, text } = await complete('x', { model: 'sandbox@n=10', max_tokens: 4 });
    expect([choice.finish_reason, completion.usage?.completion_tokens]).toEqual(['length', 4]);
    expect(text).toBe(' lorem ipsum dolor sit');
    const streamed = await stream('x', { model: 'sandbox@n=10', max_completion_tokens: 2 });
    expect(streamed.text).toBe(' lorem ipsum');
    expect(streamed.chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  test('several choices say the same under their own index, and all are counted', async () => {
    const { completion } = await complete('x', { model: 'sandbox@n=5', n: 3 });
    expect(completion.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(completion.usage?.completion_tokens).toBe(15);
    const { chunks } = await stream('x', { model: 'sandbox@n=5', n: 2 });
    const texts = [0, 1].map((wanted) =>
      chunks
        .flatMap(({ choices }) => choices.filter(({ index }) => index === wanted))
        .map(({ delta }) => delta.content),
    );
    expect(texts[0]).toEqual(texts[1]);
  });

  test('tools are called with arguments that their schema accepts', async () => {
    const { choice } = await complete('x', { model: 'sandbox@calls=2', tools: [weather, clock] });
    expect(choice.finish_reason).toBe('tool_calls');
    expect(choice.message.content).toBeNull();
    const calls = choice.message.tool_calls?.map((call) => call.type === 'function' && call.function);
    expect(calls).toEqual([
      { name: 'weather', arguments: '{"city":"sandbox","days":3}' },
      { name: 'clock', arguments: '{}' },
    ]);
  });

  test('streamed tool calls come in several fragments that the SDK joins', async () => {
    const runner = openai.chat.completions.stream({ ...body('x', { tools: [weather] }), stream: true });
    const fragments: string[] = [];
    runner.on('tool_calls.function.arguments.delta', (event) => fragments.push(event.arguments_delta));
    const completion = await runner.finalChatCompletion();
    const [call] = completion.choices[0]?.message.tool_calls ?? [];
    expect(fragments.filter((fragment) => fragment !== '').length).toBeGreaterThan(2);
    expect(call).toMatchObject({ function: { name: 'weather', arguments: '{"city":"sandbox","days":3}' } });
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('tool_choice none and a tool result give text, a named tool is the one called', async () => {
    const tools = [weather, clock];
    expect((await complete('x', { tools, tool_choice: 'none' })).choice.finish_reason).toBe('stop');
    const named = await complete('x', { tools, tool_choice: { type: 'function', function: { name: 'clock' } } });
    expect(named.choice.message.tool_calls?.[0]).toMatchObject({ function: { name: 'clock' } });
    const call = { id: 'call_1', type: 'function' as const, function: { name: 'clock', arguments: '{}' } };
    const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [
      { role: 'user', content: 'time?' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '12:00' },
    ];
    expect((await complete('', { tools, messages })).choice.finish_reason).toBe('stop');
  });

  test('JSON formats give JSON, with a schema JSON of that schema', async () => {
    const object = await complete('x', { response_format: { type: 'json_object' } });
    expect(JSON.parse(object.text)).toEqual({ sandbox: true, answer: 'sandbox' });
    const schema = { type: 'object', properties: { list: { type: 'array', items: { enum: ['a', 'b'] } } } };
    const format = { type: 'json_schema' as const, json_schema: { name: 'it', schema } };
    expect(JSON.parse((await stream('x', { response_format: format })).text)).toEqual({ list: ['a'] });
  });

  test('log probabilities come for every token, with the alternatives asked for', async () => {
    const { choice } = await complete('x', { model: 'sandbox@n=3', logprobs: true, top_logprobs: 2 });
    expect(choice.logprobs?.content?.map(({ token }) => token)).toEqual([' lorem', ' ipsum', ' dolor']);
    expect(choice.logprobs?.content?.[0]?.top_logprobs).toHaveLength(2);
    const { chunks } = await stream('x', { model: 'sandbox@n=3', logprobs: true });
    expect(chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? [])).toHaveLength(3);
    expect((await complete('x', { model: 'sandbox@n=3' })).choice.logprobs).toBeNull();
  });

  test('pictures are accepted, counted and named', async () => {
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA' } };
    const content = [{ type: 'text' as const, text: 'look' }, image, image];
    const { text, completion } = await complete('', { messages: [{ role: 'user', content }] });
    expect(text).toContain('Images: 2.');
    const without = await complete('look');
    expect(completion.usage?.prompt_tokens).toBe((without.completion.usage?.prompt_tokens ?? 0) + 2 * 85);
  });

  test('usage in a stream comes only when asked for: null on chunks, then one chunk without choices', async () => {
    const asked = await stream('x', { stream_options: { include_usage: true } } as Partial<Body>);
    expect(asked.chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(asked.chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) } });
    const silent = await stream('x');
    expect(silent.chunks.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1)).toBe(true);
  });
});

describe('what a script may ask for', () => {
  test('usage and its details are as scripted, also when they make no sense', async () => {
    const { completion } = await complete('x', { model: 'sandbox@prompt=10,completion=7,cached=99,reasoning=5' });
    expect(completion.usage).toMatchObject({
      prompt_tokens: 10,
      completion_tokens: 7,
      total_tokens: 17,
      prompt_tokens_details: { cached_tokens: 99 },
      completion_tokens_details: { reasoning_tokens: 5 },
    });
  });

  test('reasoning comes before the answer and is counted as completion', async () => {
    const { deltas, chunks } = await stream('x', {
      model: 'sandbox@n=2,think=3',
      stream_options: { include_usage: true },
    } as Partial<Body>);
    const kinds = deltas.map((delta) => ('reasoning_content' in delta ? 'think' : delta.content ? 'say' : 'none'));
    expect(kinds).toEqual(['none', 'think', 'think', 'think', 'say', 'say', 'none']);
    expect(chunks.at(-1)?.usage).toMatchObject({
      completion_tokens: 5,
      completion_tokens_details: { reasoning_tokens: 3 },
    });
    const { choice } = await complete('x', { model: 'sandbox@n=2,think=3' });
    expect(choice.message).toMatchObject({ reasoning_content: ' lorem ipsum dolor' });
  });

  test('unknown fields and unstable ids appear on demand', async () => {
    const { deltas, chunks } = await stream('x', { model: 'sandbox@n=2,unknown=1,id=change' });
    expect(deltas.filter((delta) => 'x_unknown' in delta)).toHaveLength(3);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(chunks.length);
    const none = await stream('x', { model: 'sandbox@n=2,id=none' });
    expect(none.chunks.some((chunk) => 'id' in chunk)).toBe(false);
    expect((await complete('x', { model: 'sandbox@id=my-id' })).completion.id).toBe('my-id');
  });

  test('tokens are paced by an absolute schedule', async () => {
    const startMs = performance.now();
    await stream('x', { model: 'sandbox@n=21,f=30,d=5' });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(30 + 20 * 5);
    const plainMs = performance.now();
    await complete('x', { model: 'sandbox@w=40' });
    expect(performance.now() - plainMs).toBeGreaterThanOrEqual(40);
  });

  test('the header wins over the message, the message over the model name', async () => {
    const model = 'sandbox@n=2';
    expect((await stream('[[sandbox n=3]]', { model })).text).toBe(' lorem ipsum dolor');
    const answer = await askRaw(listening.port, { message: '[[sandbox n=3]]', script: 'n=1', extra: { model } });
    expect(answer.text).toContain('"content":" lorem"');
  });

  test('a script or a fault that nobody knows is refused', async () => {
    for (const script of ['speed=9', 'n=-1', 'n=1e3', 'text=loud', 'fault=earthquake', 'fault=constructor', 'n']) {
      await expect(complete('x', { model: `sandbox@${script}` })).rejects.toMatchObject({ status: 400 });
    }
  });
});

describe('the rest of the surface', () => {
  test('models are listed and found', async () => {
    const { data } = await openai.models.list();
    expect(data).toEqual([expect.objectContaining({ id: 'sandbox', owned_by: 'ocelotiq-sandbox' })]);
    expect((await openai.models.retrieve('sandbox')).id).toBe('sandbox');
    await expect(openai.models.retrieve('other/one')).rejects.toMatchObject({ status: 404 });
  });

  test('requests that are no chat requests are refused', async () => {
    const bad = [{ messages: [] }, { messages: ['text'] }, { model: 7 }, { n: 0 }, { n: 129 }, { max_tokens: 0 }];
    for (const extra of bad) expect((await askRaw(listening.port, { extra })).status).toBe(400);
    await expect(openai.get('/nowhere')).rejects.toMatchObject({ status: 404 });
  });

  test('with a key configured, every path but health wants it', async () => {
    const guarded = await createSandbox({ apiKey: 'sandbox-key' }).listen(0);
    try {
      const baseURL = `http://127.0.0.1:${guarded.port}/v1`;
      const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
      const refused = { status: 401, code: 'invalid_api_key', type: 'invalid_request_error' };
      await expect(stranger.chat.completions.create(body('x'))).rejects.toMatchObject(refused);
      await expect(stranger.models.list()).rejects.toMatchObject(refused);
      expect((await fetch(`http://127.0.0.1:${guarded.port}/sandbox/calls`)).status).toBe(401);
      expect((await fetch(`http://127.0.0.1:${guarded.port}/health`)).status).toBe(200);
      const known = new OpenAI({ baseURL, apiKey: 'sandbox-key', maxRetries: 0 });
      expect((await known.chat.completions.create(body('x'))).choices).toHaveLength(1);
    } finally {
      await guarded.close();
    }
  });
});
