import type { Answer } from './answer.ts';
import { toolCallId } from './completion.ts';
import type { ChatRequest } from './request.ts';
import type { Script } from './script.ts';
import type { Identity, Shape } from './shape.ts';
import { logprobsText, unknownField } from './shape.ts';

/** One server-sent event. `beat` says when it is due: so many gaps after the first token. */
export type Frame = {
  kind: 'role' | 'token' | 'finish' | 'usage' | 'done' | 'other';
  beat: number;
  text: string;
};

/** How many usage chunks of their own come before `[DONE]`. */
const copiesBeforeDone = { end: 1, every: 1, twice: 2, start: 0, finish: 0, afterDone: 0 } as const;

export const doneText = 'data: [DONE]\n\n';

/** Writes chunks of one stream. Also used by faults that add events of their own. */
export type ChunkWriter = {
  /** A chunk with one choice; `rest` is what follows the delta inside the choice. */
  choice(index: number, delta: string, rest: string): string;
  /** A chunk with other fields than a choice, given as JSON text such as `"choices":[]`. */
  bare(fields: string): string;
};

/** Makes the writer for one stream: all chunks share id, time and model, unless the script asks for changing ids. */
export function createChunkWriter(script: Script, identity: Identity, nextUsageField: () => string): ChunkWriter {
  const idText = JSON.stringify(identity.id);
  const unknown = script.unknown ? `,${unknownField}` : '';
  const body =
    `"object":"chat.completion.chunk","created":${identity.createdS},"model":${JSON.stringify(identity.model)},` +
    '"service_tier":"default","system_fingerprint":"fp_sandbox",';
  const fixedHead = `data: {"id":${idText},${body}`;
  let written = 0;

  function head(): string {
    if (script.id === 'none') return `data: {${body}`;
    if (script.id !== 'change') return fixedHead;
    written += 1;
    return `data: {"id":"${identity.id}-${written}",${body}`;
  }

  return {
    choice: (index, delta, rest) =>
      `${head()}"choices":[{"index":${index},"delta":{${delta}${delta === '' ? '' : unknown}}${rest}}]${unknown}${nextUsageField()}}\n\n`,
    bare: (fields) => `${head()}${fields}${unknown}}\n\n`,
  };
}

/**
 * Gives what ordinary chunks carry about usage: nothing, null, or (continuous usage) counts that grow with every chunk,
 * so that a reader who takes the first or the sum is found out.
 */
export function usageFields(request: ChatRequest, answer: Answer, shape: Shape): () => string {
  let written = 0;
  if (shape.usageAt === 'every') {
    return () => {
      const completion = Math.min(written, answer.usage.completion);
      written += 1;
      return `,"usage":${shape.usage({ ...answer.usage, completion }) ?? 'null'}`;
    };
  }
  const fixed = request.includeUsage ? ',"usage":null' : '';
  return () => fixed;
}

/** Gives the events of a stream in order: role, reasoning, tokens or tool calls, finish, usage, `[DONE]`. */
export function framesOf(
  request: ChatRequest,
  answer: Answer,
  identity: Identity,
  shape: Shape,
  writer: ChunkWriter,
): Frame[] {
  const frames: Frame[] = [];
  const indexes = Array.from({ length: request.choices }, (_, index) => index);
  const unfinished = ',"logprobs":null,"finish_reason":null';
  let beat = 0;

  function addToAll(kind: Frame['kind'], delta: string, rest: string): void {
    for (const index of indexes) frames.push({ kind, beat, text: writer.choice(index, delta, rest) });
  }
  function addTokens(deltas: string[], rests?: string[]): void {
    deltas.forEach((delta, position) => {
      addToAll('token', delta, rests?.[position] ?? unfinished);
      beat += 1;
    });
  }

  const usage = usageFrame(request, answer, shape, writer);
  if (usage !== undefined && shape.usageAt === 'start') frames.push(usage);
  addToAll(
    'role',
    `"role":"assistant","content":${answer.toolCalls.length > 0 ? 'null' : '""'},"refusal":null`,
    unfinished,
  );
  addTokens(answer.thinking.map((token) => `"reasoning_content":${JSON.stringify(token)}`));
  addTokens(
    answer.tokens.map((token) => `"content":${JSON.stringify(token)}`),
    logprobRests(request, answer),
  );
  addTokens(answer.toolCalls.flatMap((call, index) => toolDeltas(call.name, call.fragments, index, identity, shape)));
  beat = Math.max(beat - 1, 0);
  const finish = shape.finish === undefined ? answer.finish : shape.finish;
  addToAll('finish', '', `,"logprobs":null,"finish_reason":${JSON.stringify(finish)}`);
  if (shape.usageAt === 'finish') withUsage(frames, shape.usage(answer.usage));
  for (let copy = 0; usage !== undefined && copy < copiesBeforeDone[shape.usageAt]; copy += 1)
    frames.push({ ...usage, beat });
  frames.push({ kind: 'done', beat, text: doneText });
  if (usage !== undefined && shape.usageAt === 'afterDone') frames.push({ ...usage, beat });
  return frames;
}

/** The chunk without choices that carries usage: only when asked for, or when a fault moves it elsewhere. */
function usageFrame(request: ChatRequest, answer: Answer, shape: Shape, writer: ChunkWriter): Frame | undefined {
  const text = shape.usage(answer.usage);
  if (text === undefined || shape.usageAt === 'finish') return undefined;
  if (!request.includeUsage && shape.usageAt === 'end') return undefined;
  return { kind: 'usage', beat: 0, text: writer.bare(`"choices":[],"usage":${text}`) };
}

/** Puts usage on the chunk that carries the finish reason, as some providers do. */
function withUsage(frames: Frame[], usage: string | undefined): void {
  const last = frames.at(-1);
  if (last === undefined || usage === undefined) return;
  const bare = last.text.replace(/(,"usage":null)?\}\n\n$/u, '');
  last.text = `${bare},"usage":${usage}}\n\n`;
}

function logprobRests(request: ChatRequest, answer: Answer): string[] | undefined {
  const top = request.topLogprobs;
  if (top === undefined) return undefined;
  return answer.tokens.map((token) => `,"logprobs":${logprobsText([token], top)},"finish_reason":null`);
}

function toolDeltas(name: string, fragments: string[], index: number, identity: Identity, shape: Shape): string[] {
  const position = shape.toolForm === 'noIndex' ? '' : `"index":${index},`;
  const opening = `${position}"id":"${toolCallId(identity, index)}","type":"function"`;
  const nameText = JSON.stringify(name);
  const whole = fragments.join('');
  if (shape.toolForm === 'object' || shape.toolForm === 'whole') {
    const written = shape.toolForm === 'object' ? whole || '{}' : JSON.stringify(whole);
    return [`"tool_calls":[{${opening},"function":{"name":${nameText},"arguments":${written}}}]`];
  }
  return [
    `"tool_calls":[{${opening},"function":{"name":${nameText},"arguments":""}}]`,
    ...fragments.map((fragment) => `"tool_calls":[{${position}"function":{"arguments":${JSON.stringify(fragment)}}}]`),
  ];
}
