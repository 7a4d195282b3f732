import { expect } from '@jest/globals';
import { eventFaults } from '../../src/sandbox/event-faults.ts';
import type { Bench } from './fault-table.ts';
import { describeFaults } from './fault-table.ts';
import type { WireAnswer } from './wire.ts';
import { chunksOf, contentOf, doneCount, readEvents } from './wire.ts';

const words = 'text=lorem,n=5,after=2';
const utf8Bom = Buffer.from([0xef, 0xbb, 0xbf]);

/** Says that a stream looks strange, and that a reader who knows the specification reads the regular answer. */
function strange(look: (answer: WireAnswer) => void) {
  return async ({ ask, expectRegular }: Bench): Promise<void> => {
    const answer = await ask(true);
    look(answer);
    await expectRegular(answer, true);
  };
}

async function askWords({ ask }: Bench): Promise<WireAnswer> {
  const answer = await ask(true, { script: words });
  expect(answer.complete).toBe(true);
  return answer;
}

function dataOf(answer: WireAnswer): string[] {
  return readEvents(answer.text).map(({ data }) => data);
}

describeFaults('faults of events', eventFaults, {
  crlf: strange(({ text }) => expect(text).not.toMatch(/[^\r]\n/u)),
  'no-space': strange(({ text }) => {
    expect(text).not.toContain('data: ');
    expect(text).toContain('data:[DONE]');
  }),
  multiline: strange(({ text }) => expect(text).toMatch(/^data: \{\ndata: .*\ndata: \}\n\n/u)),
  comments: strange(({ text }) => {
    expect(text.match(/^: OPENROUTER PROCESSING$/gmu)?.length).toBe(text.match(/^data: /gmu)?.length);
  }),
  'keep-alive': async ({ ask, expectRegular }) => {
    const stream = await ask(true, { script: 'after=4,d=5' });
    expect(stream.text.startsWith(': keep-alive\n\n'.repeat(4))).toBe(true);
    expect(stream.bodyMs).toBeGreaterThan((4 * 5) / 2);
    await expectRegular(stream, true);
    const body = await ask(false, { script: 'after=4,d=5' });
    expect(body.chunks.slice(0, 4).map(String)).toEqual(['\n', '\n', '\n', '\n']);
    expect(body.bodyMs).toBeGreaterThan((4 * 5) / 2);
    await expectRegular(body, false);
  },
  blank: async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect(answer.text.startsWith('\n\n\n')).toBe(true);
      await expectRegular(answer, stream);
    }
  },
  bom: async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect(answer.body.subarray(0, 3)).toEqual(utf8Bom);
      await expectRegular(answer, stream);
    }
  },
  fields: strange(({ text }) => expect(text).toMatch(/^event: message\nid: 7\nretry: 1000\ndata: /u)),
  'long-line': async ({ ask }) => {
    const stream = await ask(true);
    expect(stream.complete).toBe(true);
    expect(Math.max(...dataOf(stream).map(({ length }) => length))).toBeGreaterThan(10 * 1024 * 1024);
    const body = JSON.parse((await ask(false)).text) as { choices: [{ message: { content: string } }] };
    expect(body.choices[0].message.content.length).toBeGreaterThan(10 * 1024 * 1024);
  },
  garbage: async (bench) => {
    const data = dataOf(await askWords(bench));
    expect(data[3]).toBe('<<< not JSON >>>');
    expect(data.at(-1)).toBe('[DONE]');
    expect((await bench.ask(false)).text).toBe('<<< not JSON >>>');
  },
  truncated: async (bench) => {
    const data = dataOf(await askWords(bench));
    expect(() => JSON.parse(data[3] ?? '')).toThrow(SyntaxError);
    const body = await bench.ask(false);
    expect(body.complete).toBe(true);
    expect(() => JSON.parse(body.text)).toThrow(SyntaxError);
  },
  'error-chunk': async (bench) => {
    const answer = await askWords(bench);
    const chunks = chunksOf(answer);
    expect(contentOf(chunks)).toBe(' lorem ipsum');
    expect(chunks.at(-1)).toMatchObject({
      id: chunks[0]?.id,
      error: { code: 502 },
      choices: [{ finish_reason: 'error' }],
    });
    expect(doneCount(answer)).toBe(0);
  },
  'error-done': async (bench) => {
    const data = dataOf(await askWords(bench));
    expect(JSON.parse(data.at(-2) ?? '')).toEqual({ error: expect.objectContaining({ type: 'server_error' }) });
    expect(data.at(-1)).toBe('[DONE]');
  },
  'error-event': async (bench) => {
    const last = readEvents((await askWords(bench)).text).at(-1);
    expect(last?.event).toBe('error');
    expect(JSON.parse(last?.data ?? '')).toEqual({ error: expect.objectContaining({ type: 'server_error' }) });
  },
  'error-empty': async (bench) => {
    const answer = await askWords(bench);
    const chunks = chunksOf(answer);
    expect(contentOf(chunks)).toBe(' lorem ipsum');
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ delta: { content: '' }, finish_reason: null });
    expect(doneCount(answer)).toBe(0);
  },
  'no-done': async (bench) => {
    const answer = await askWords(bench);
    expect(doneCount(answer)).toBe(0);
    expect(chunksOf(answer).at(-1)?.usage).toMatchObject({ completion_tokens: 5 });
  },
  'done-only': async (bench) => expect(dataOf(await askWords(bench))).toEqual(['[DONE]']),
  'done-twice': async (bench) => expect(dataOf(await askWords(bench)).slice(-2)).toEqual(['[DONE]', '[DONE]']),
  'after-done': async (bench) => {
    const data = dataOf(await askWords(bench));
    expect(data.at(-2)).toBe('[DONE]');
    expect(data.at(-1)).toContain('"content":" late"');
  },
});
