import type { ChatRequest } from './request.ts';
import { isRecord } from './request.ts';
import { sampleOf } from './schema.ts';
import type { Script, TextKind } from './script.ts';
import { withoutScript } from './script.ts';
import { loremTokens, noticeText, stampedPlainTokens, stampTokens, tokensOf } from './text.ts';

/** Token counts of one answer; `cached` and `reasoning` are only there when the script names them. */
export type Usage = {
  prompt: number;
  completion: number;
  cached: number | undefined;
  reasoning: number | undefined;
};

export type ToolCall = { name: string; fragments: string[] };

/** What the model "said", before it takes the form of one body or of chunks. Every choice says the same. */
export type Answer = {
  thinking: string[];
  tokens: string[];
  toolCalls: ToolCall[];
  finish: string;
  usage: Usage;
};

const chunksDefault = 50;
const tokensMax = 100_000;

/** Makes the answer to a request as its script wants it: the same request and script give the same answer. */
export function makeAnswer(request: ChatRequest, script: Script): Answer {
  const limit = Math.min(request.limit ?? tokensMax, tokensMax);
  const hidden = Math.min(script.reasoning ?? script.think, limit);
  const budget = { left: limit - hidden, short: false };
  const thinking = loremTokens(Math.min(script.think, limit));
  const toolCalls = makeToolCalls(request, script).map(({ name, fragments }) => ({
    name,
    fragments: take(fragments, budget),
  }));
  const tokens = toolCalls.length > 0 ? [] : take(makeTokens(request, script), budget);
  const said = hidden + toolCalls.reduce((sum, call) => sum + call.fragments.length, tokens.length);
  return {
    thinking,
    tokens,
    toolCalls,
    finish: finishReason(budget.short, toolCalls.length > 0),
    usage: {
      prompt: script.prompt ?? request.promptTokens,
      completion: script.completion ?? said * request.choices,
      cached: script.cached,
      reasoning: script.reasoning ?? (script.think > 0 ? hidden * request.choices : undefined),
    },
  };
}

/** Takes from the list what the budget still allows, and remembers whether something had to be left out. */
function take(list: string[], budget: { left: number; short: boolean }): string[] {
  const taken = list.length <= budget.left ? list : list.slice(0, budget.left);
  if (taken.length < list.length) budget.short = true;
  budget.left -= taken.length;
  return taken;
}

function finishReason(short: boolean, tools: boolean): string {
  if (short) return 'length';
  return tools ? 'tool_calls' : 'stop';
}

function makeTokens(request: ChatRequest, script: Script): string[] {
  if (request.jsonSchema !== undefined) return tokensOf(JSON.stringify(sampleOf(request.jsonSchema)));
  const message = withoutScript(request.lastUserText);
  const count = script.chunks ?? chunksDefault;
  switch (textKind(script)) {
    case 'echo':
      return tokensOf(message);
    case 'lorem':
      return loremTokens(count);
    case 'stamp':
      return request.stream ? stampTokens(count) : stampedPlainTokens(count);
    case 'notice':
      return tokensOf(noticeText(message, request.imageCount));
  }
}

function textKind(script: Script): TextKind {
  return script.text ?? (script.chunks === undefined ? 'notice' : 'lorem');
}

/** Calls the tools of the request in turn, each with arguments that its schema accepts. */
function makeToolCalls(request: ChatRequest, script: Script): ToolCall[] {
  const { tools } = request;
  if (tools.length === 0) return [];
  return Array.from({ length: script.calls }, (_, index) => {
    const tool = tools[index % tools.length];
    const sample = sampleOf(tool?.parameters);
    return { name: tool?.name ?? '', fragments: tokensOf(JSON.stringify(isRecord(sample) ? sample : {})) };
  });
}
