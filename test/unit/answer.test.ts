import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProviderFailure } from '../../src/providers/provider.ts';
import { readPlainAnswer, StreamedAnswer } from '../../src/requests/answer.ts';
import { runs } from '../helpers/property-runs.ts';

const chunk = (index: number, delta: object, finish: string | null = null, more: object = {}) =>
  JSON.stringify({ id: 'chatcmpl-1', choices: [{ index, delta, finish_reason: finish }], ...more });
const event = (data: string) => `data: ${data}\n\n`;
const ROLE = chunk(0, { role: 'assistant', content: '' });
const HELLO = chunk(0, { content: 'Привет', x_unknown: [1, null] }, null, { usage: null, system_fingerprint: 'fp' });
const STOP = chunk(0, {}, 'stop');
const USAGE = JSON.stringify({ id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } });
const DONE = '[DONE]';

/** Feeds a whole stream; gives what is relayed, or the failure. */
function relay(payloads: readonly string[], includeUsage = false) {
  const streamed = new StreamedAnswer(includeUsage);
  const relayed: string[] = [];
  try {
    for (const payload of payloads)
      for (const one of streamed.push(Buffer.from(event(payload)))) relayed.push(String(one));
    streamed.end();
    return { streamed, relayed };
  } catch (error) {
    if (error instanceof ProviderFailure) return { streamed, relayed, failure: error };
    throw error;
  }
}

test('every payload is passed on byte for byte and in order; [DONE] is ours to send', () => {
  const { streamed, relayed, failure } = relay([ROLE, HELLO, STOP, USAGE, DONE], true);
  expect(failure).toBeUndefined();
  expect(relayed).toEqual([ROLE, HELLO, STOP, USAGE]);
  expect(streamed).toMatchObject({
    complete: true,
    upstreamId: 'chatcmpl-1',
    usage: { prompt_tokens: 3, completion_tokens: 2 },
  });
});

test('the usage chunk is kept for the bill and shown only to a client that asked for it', () => {
  const { streamed, relayed } = relay([ROLE, HELLO, STOP, USAGE, DONE], false);
  expect(relayed).toEqual([ROLE, HELLO, STOP]);
  expect(streamed.usage).toEqual({ prompt_tokens: 3, completion_tokens: 2 });
});

test('a chunk without choices that carries something else than usage is passed on', () => {
  const filter = JSON.stringify({ id: 'chatcmpl-1', choices: [], prompt_filter_results: [] });
  expect(relay([filter, ROLE, STOP, DONE]).relayed).toEqual([filter, ROLE, STOP]);
});

test('of repeated usage the last counts; what follows [DONE] does not', () => {
  const usage = (completion: number) =>
    JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: completion } });
  const { streamed, relayed } = relay([usage(1), HELLO, usage(2), STOP, DONE, usage(9), HELLO, DONE]);
  expect(streamed.usage).toEqual({ prompt_tokens: 3, completion_tokens: 2 });
  expect(relayed).toEqual([HELLO, STOP]);
});

describe('the end of a stream', () => {
  test.each<[string, string[]]>([
    ['[DONE] after a finish', [HELLO, STOP, DONE]],
    ['[DONE] without a finish reason', [HELLO, DONE]],
    ['a finish without [DONE]', [HELLO, STOP]],
    ['a finish and usage without [DONE]', [HELLO, STOP, USAGE]],
    ['all choices finished without [DONE]', [HELLO, chunk(1, { content: 'x' }), STOP, chunk(1, {}, 'length')]],
  ])('%s is complete', (_name, payloads) => {
    expect(relay(payloads).failure).toBeUndefined();
  });

  test.each<[string, string[], string]>([
    ['nothing at all', [], 'cut'],
    ['nothing but [DONE]', [DONE], 'no_choices'],
    ['usage alone', [USAGE, DONE], 'no_choices'],
    ['no finish and no [DONE]', [ROLE, HELLO], 'cut'],
    ['one of two choices unfinished', [HELLO, chunk(1, { content: 'x' }), STOP], 'cut'],
  ])('%s is a failure with an unknown outcome', (_name, payloads, outcome) => {
    expect(relay(payloads).failure).toMatchObject({ code: 'provider_error', outcome, definite: false });
  });

  test('an event that was begun and not ended is a cut, whatever came before', () => {
    const streamed = new StreamedAnswer(false);
    expect([...streamed.push(Buffer.from(`${event(HELLO)}${event(STOP)}data: {"id":"chat`))]).toHaveLength(2);
    expect(() => streamed.end()).toThrow(ProviderFailure);
  });
});

describe('what is no answer fails at once', () => {
  test.each<[string, string, string, boolean]>([
    ['an error object', '{"error":{"message":"overloaded"}}', 'error_event', true],
    ['an error beside choices', chunk(0, { content: '' }, 'error', { error: { code: 502 } }), 'error_event', true],
    [
      'a finish reason that says failed',
      chunk(0, {}, 'insufficient_system_resource'),
      'finish_insufficient_system_resource',
      true,
    ],
    ['text that is not JSON', '<<< not JSON >>>', 'garbage', false],
    ['JSON that is no object', '[1]', 'garbage', false],
    ['half of an event', '{"choices":[{"delta":{"content":"un', 'garbage', false],
  ])('%s', (_name, payload, outcome, definite) => {
    const { relayed, failure } = relay([HELLO, payload, STOP, DONE]);
    expect(relayed).toEqual([HELLO]);
    expect(failure).toMatchObject({ outcome, definite });
  });

  test('an event named error, and an event of more than a mebibyte', () => {
    expect(() => [...new StreamedAnswer(false).push(Buffer.from('event: error\ndata: {"message":"x"}\n\n'))]).toThrow(
      'error_event',
    );
    const long = Buffer.from(event(`{"choices":[],"x":"${'x'.repeat(1_100_000)}"}`));
    expect(() => [...new StreamedAnswer(false).push(long)]).toThrow(
      expect.objectContaining({ code: 'result_too_large' }),
    );
  });

  test('but not before what came earlier in the same bytes is passed on', () => {
    const relayed: string[] = [];
    const push = () => {
      const bytes = Buffer.from([ROLE, HELLO, '{"error":{"message":"x"}}', STOP].map(event).join(''));
      for (const payload of new StreamedAnswer(false).push(bytes)) relayed.push(String(payload));
    };
    expect(push).toThrow('error_event');
    expect(relayed).toEqual([ROLE, HELLO]);
  });

  test('error: null, as some upstreams always send, is no error', () => {
    expect(relay([chunk(0, { content: 'x' }, 'stop', { error: null }), DONE]).failure).toBeUndefined();
  });
});

test('odd chunks never break the reader: whatever parses is passed on or is a typed failure', () => {
  fc.assert(
    fc.property(
      fc.array(fc.json({ maxDepth: 3 }), { maxLength: 4 }),
      fc.jsonValue(),
      fc.jsonValue(),
      (payloads, choices, usage) => {
        const { failure, relayed } = relay(
          [...payloads, JSON.stringify({ choices, usage }), JSON.stringify({ choices: [choices] }), DONE],
          true,
        );
        expect(failure !== undefined || relayed.length > 0).toBe(true);
      },
    ),
  );
});

/** Texts as they stand in a chunk between the quotes of its content: plain ones, escaped ones, and what no string may hold. */
const contentText = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom('a', 'я', ' ', '}', ',', ':', '🙂'), maxLength: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom('\\n', '\\"', '\\u0041', '\\\\', '\\"content\\":\\"') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\t', '\\x', '"', '","error":{},"x":"', '"},"finish_reason":"stop","y":{"z":"', '\\'),
  },
);
const anyChunk = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(
        contentText,
        fc.constantFrom(0, 0, 0, 1),
        fc.constantFrom('', ',"usage":null', ',"logprobs":{"content":[]}'),
      )
      .map(
        ([text, index, more]) =>
          `{"id":"c","choices":[{"index":${index},"delta":{"content":"${text}"},"finish_reason":null}]${more}}`,
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      STOP,
      USAGE,
      ROLE,
      '{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"error"}]}',
      '{"choices":[{"index":0,"delta":{"content":"x"}},{"index":1,"delta":{"content":"y"}}]}',
      '{"error":{"message":"content"},"content":"x"}',
    ),
  },
);

test('a chunk that is like one that was parsed is read as if it were parsed', () => {
  const outcome = (payloads: readonly string[]) => {
    const { streamed, relayed, failure } = relay(payloads);
    const { usage, upstreamId } = streamed;
    return { usage, upstreamId, relayed: relayed.map((one) => one.replace(/^ +/, '')), failure: failure?.outcome };
  };
  fc.assert(
    fc.property(fc.array(anyChunk, { minLength: 1, maxLength: 12 }), (chunks) => {
      const payloads = [...chunks, DONE];
      // No two chunks begin alike, so each of them has to be parsed.
      const unlike = payloads.map((payload, index) => (payload === DONE ? payload : ' '.repeat(index + 1) + payload));
      expect(outcome(payloads)).toEqual(outcome(unlike));
    }),
    runs(2_000),
  );
});

describe('a plain answer', () => {
  const whole = JSON.stringify({
    id: 'c1',
    choices: [{ message: { content: 'Привет' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1 },
  });
  const read = (text: string) => readPlainAnswer(Buffer.from(text));

  test('is passed on byte for byte, without the blank lines that kept the connection alive', () => {
    expect(read(whole)).toMatchObject({ usage: { prompt_tokens: 1 }, upstreamId: 'c1' });
    for (const before of ['', '\n\n\n', '\uFEFF', ' \r\n']) expect(read(before + whole).body.toString()).toBe(whole);
  });

  test.each<[string, string, string, boolean]>([
    ['an error with status 200', '{"error":{"message":"x"}}', 'error_in_200', true],
    ['no choices', '{"id":"c1"}', 'no_choices', false],
    ['an empty list of choices', '{"choices":[],"usage":{"prompt_tokens":1}}', 'no_choices', false],
    ['a failed finish', '{"choices":[{"finish_reason":"error"}]}', 'finish_error', true],
    ['half of it', whole.slice(0, 40), 'garbage', false],
    ['nothing', '', 'garbage', false],
    ['a page', '<!DOCTYPE html>', 'garbage', false],
  ])('%s is a failure', (_name, text, outcome, definite) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ outcome, definite }));
  });
});
