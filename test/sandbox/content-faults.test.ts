import { expect } from '@jest/globals';
import { contentFaults } from '../../src/sandbox/content-faults.ts';
import type { Bench } from './fault-table.ts';
import { describeFaults } from './fault-table.ts';
import type { Chunk } from './wire.ts';
import { chunksOf, doneCount, readEvents } from './wire.ts';

const words = 'text=lorem,n=5,after=2';
const tools = [
  { type: 'function', function: { name: 'weather', parameters: { properties: { city: { type: 'string' } } } } },
];

type Completion = {
  choices: { finish_reason: string | null; message: { tool_calls?: { function: { arguments: unknown } }[] } }[];
  usage?: unknown;
};

async function streamed({ ask }: Bench, extra: Record<string, unknown> = {}): Promise<Chunk[]> {
  return chunksOf(await ask(true, { script: words, extra }));
}

async function plain({ ask }: Bench, extra: Record<string, unknown> = {}): Promise<Completion> {
  return JSON.parse((await ask(false, { script: words, extra })).text) as Completion;
}

/** Says that usage is exactly this JSON text, in the last chunk and in the body. */
function usage(text: string) {
  return async ({ ask }: Bench): Promise<void> => {
    const events = readEvents((await ask(true)).text);
    expect(events.at(-2)?.data).toContain(`"choices":[],"usage":${text}`);
    expect((await ask(false)).text).toContain(`,"usage":${text},`);
  };
}

function finish(reason: string) {
  return async (bench: Bench): Promise<void> => {
    const reasons = (await streamed(bench)).map((chunk) => chunk.choices[0]?.finish_reason ?? null);
    expect(reasons.filter((found) => found !== null)).toEqual([reason]);
    expect((await plain(bench)).choices[0]?.finish_reason).toBe(reason);
  };
}

/** Gives the tool calls of all chunks; the role chunk has none. */
async function toolDeltas(bench: Bench) {
  return (await streamed(bench, { tools })).flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
}

function usagesOf(chunks: Chunk[]): unknown[] {
  return chunks.map((chunk) => chunk.usage).filter((found) => found !== null && found !== undefined);
}

describeFaults('faults of content', contentFaults, {
  'empty-choices': async (bench) => {
    const counts = (await streamed(bench)).map(({ choices }) => choices.length);
    expect(counts).toEqual([0, 1, 1, 1, 0, 1, 1, 1, 1, 0]);
    expect((await plain(bench)).choices).toEqual([]);
  },
  'no-finish': async (bench) => {
    const reasons = (await streamed(bench)).map((chunk) => chunk.choices[0]?.finish_reason ?? null);
    expect(reasons.every((reason) => reason === null)).toBe(true);
    expect((await plain(bench)).choices[0]?.finish_reason).toBeNull();
  },
  'finish-filter': finish('content_filter'),
  'finish-unknown': finish('insufficient_system_resource'),
  'tool-no-index': async (bench) => {
    const deltas = await toolDeltas(bench);
    expect(deltas.length).toBeGreaterThan(2);
    expect(deltas.every((delta) => !('index' in delta))).toBe(true);
  },
  'tool-whole': async (bench) => {
    const deltas = await toolDeltas(bench);
    expect(deltas.map((delta) => delta.function.arguments)).toEqual(['{"city":"sandbox"}']);
  },
  'tool-object': async (bench) => {
    const deltas = await toolDeltas(bench);
    expect(deltas.map((delta) => delta.function.arguments)).toEqual([{ city: 'sandbox' }]);
    const { choices } = await plain(bench, { tools });
    expect(choices[0]?.message.tool_calls?.[0]?.function.arguments).toEqual({ city: 'sandbox' });
  },
  'usage-missing': async (bench) => {
    expect(usagesOf(await streamed(bench))).toEqual([]);
    expect(await plain(bench)).not.toHaveProperty('usage');
  },
  'usage-zero': usage('{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}'),
  'usage-negative': usage('{"prompt_tokens":-7,"completion_tokens":-3,"total_tokens":-10}'),
  'usage-nan': usage('{"prompt_tokens":"NaN","completion_tokens":"NaN","total_tokens":"NaN"}'),
  'usage-string': usage('{"prompt_tokens":"7","completion_tokens":"3","total_tokens":"10"}'),
  'usage-fraction': usage('{"prompt_tokens":7.5,"completion_tokens":3.5,"total_tokens":11}'),
  'usage-null': usage('{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null}'),
  'usage-huge': usage(
    '{"prompt_tokens":9007199254740993,"completion_tokens":9007199254740993,"total_tokens":18014398509481986}',
  ),
  'usage-infinite': usage('{"prompt_tokens":1e400,"completion_tokens":1e400,"total_tokens":1e400}'),
  'usage-finish': async (bench) => {
    const chunks = await streamed(bench, { stream_options: undefined });
    expect(usagesOf(chunks)).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { completion_tokens: 5 } });
  },
  'usage-every': async (bench) => {
    const completions = (await streamed(bench)).map((chunk) => chunk.usage?.completion_tokens);
    expect(completions).toEqual([0, 1, 2, 3, 4, 5, 5, 5]);
  },
  'usage-first': async (bench) => {
    const chunks = await streamed(bench);
    expect(chunks[0]).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
    expect(usagesOf(chunks)).toHaveLength(1);
  },
  'usage-twice': async (bench) => {
    const chunks = await streamed(bench);
    expect(usagesOf(chunks)).toHaveLength(2);
    expect((await bench.ask(false)).text.match(/"usage":/gu)).toHaveLength(2);
  },
  'usage-after-done': async (bench) => {
    const answer = await bench.ask(true);
    const events = readEvents(answer.text).map(({ data }) => data);
    expect(doneCount(answer)).toBe(1);
    expect(events.at(-2)).toBe('[DONE]');
    expect(events.at(-1)).toContain('"choices":[],"usage":{');
  },
});
