import type { Refusal } from './script.ts';

export type Tool = { name: string; parameters: unknown };

/** What of a chat request the sandbox obeys. Counts are tokens unless named otherwise. */
export type ChatRequest = {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  choices: number;
  limit: number | undefined;
  /** The number of alternatives per token, or undefined when no log probabilities are asked for. */
  topLogprobs: number | undefined;
  tools: Tool[];
  /** The schema of the JSON to answer with, or undefined when text is asked for. */
  jsonSchema: unknown;
  lastUserText: string;
  imageCount: number;
  promptTokens: number;
};

const tokensPerMessage = 4;
const tokensPerImage = 85;
const choicesMax = 128;

/** True for JSON objects, false for null, arrays and all else. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes the bytes of a body; gives what the sandbox obeys of it, or a refusal in words. */
export function readChatRequest(bytes: Buffer): ChatRequest | Refusal {
  const body = parseJson(bytes);
  if (!isRecord(body)) return { refusal: 'We could not parse the JSON body of your request.', param: null };
  if (typeof body.model !== 'string' || body.model === '') {
    return { refusal: 'you must provide a model parameter', param: 'model' };
  }
  const messages = body.messages;
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isRecord)) {
    return { refusal: "Invalid 'messages': expected a non-empty array of objects.", param: 'messages' };
  }
  const choices = body.n ?? 1;
  if (typeof choices !== 'number' || !Number.isInteger(choices) || choices < 1 || choices > choicesMax) {
    return { refusal: `Invalid 'n': expected an integer from 1 to ${choicesMax}.`, param: 'n' };
  }
  const limit = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  if (limit !== undefined && (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1)) {
    return { refusal: "Invalid 'max_completion_tokens': expected a positive integer.", param: 'max_completion_tokens' };
  }
  return {
    model: body.model,
    stream: body.stream === true,
    includeUsage: isRecord(body.stream_options) && body.stream_options.include_usage === true,
    choices,
    limit,
    topLogprobs: body.logprobs === true ? smallCount(body.top_logprobs) : undefined,
    tools: toolsToCall(body, messages),
    jsonSchema: jsonSchemaOf(body.response_format),
    ...readMessages(messages),
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function readMessages(
  messages: Record<string, unknown>[],
): Pick<ChatRequest, 'lastUserText' | 'imageCount' | 'promptTokens'> {
  let lastUserText = '';
  let imageCount = 0;
  let promptTokens = 3;
  for (const message of messages) {
    const parts = readContent(message.content);
    if (message.role === 'user') lastUserText = parts.text;
    imageCount += parts.otherCount;
    promptTokens += tokensPerMessage + Math.ceil(parts.text.length / 4) + parts.otherCount * tokensPerImage;
  }
  return { lastUserText, imageCount, promptTokens };
}

/** Joins the text parts of a message and counts the parts that are not text: images, sound and files. */
function readContent(content: unknown): { text: string; otherCount: number } {
  if (typeof content === 'string') return { text: content, otherCount: 0 };
  if (!Array.isArray(content)) return { text: '', otherCount: 0 };
  let text = '';
  let otherCount = 0;
  for (const part of content) {
    if (isRecord(part) && typeof part.text === 'string') text += part.text;
    else otherCount += 1;
  }
  return { text, otherCount };
}

/** The tools in the order in which they are called. A tool result as last message ends the loop with plain text. */
function toolsToCall(body: Record<string, unknown>, messages: Record<string, unknown>[]): Tool[] {
  const choice = body.tool_choice;
  if (!Array.isArray(body.tools) || choice === 'none' || messages.at(-1)?.role === 'tool') return [];
  const tools = body.tools.flatMap((tool: unknown) => {
    const described = isRecord(tool) ? tool.function : undefined;
    if (!isRecord(described) || typeof described.name !== 'string') return [];
    return [{ name: described.name, parameters: described.parameters }];
  });
  const named = isRecord(choice) && isRecord(choice.function) ? choice.function.name : undefined;
  return named === undefined ? tools : tools.filter((tool) => tool.name === named);
}

function jsonSchemaOf(format: unknown): unknown {
  if (!isRecord(format)) return undefined;
  if (format.type === 'json_object') {
    return { type: 'object', properties: { sandbox: { const: true }, answer: { type: 'string' } } };
  }
  const described = format.json_schema;
  if (format.type !== 'json_schema' || !isRecord(described)) return undefined;
  return described.schema ?? { type: 'object' };
}

function smallCount(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? Math.min(value, 20) : 0;
}
