import type { AiModelDocument } from '../models/ai-model.ts';

/**
 * Upper bounds of what a chat request can use, without a tokenizer: no tokenisation has more tokens than the text has
 * UTF-8 bytes. Media parts are bounded by the model's own figure.
 */

const TOKENS_PER_MESSAGE = 16;
const TOKENS_PER_TOOL = 64;
const TOKENS_BASE = 64;

export type ChatShape = {
  messages: readonly unknown[];
  tools?: readonly unknown[] | null | undefined;
  functions?: readonly unknown[] | null | undefined;
  response_format?: unknown;
  max_tokens?: number | null | undefined;
  max_completion_tokens?: number | null | undefined;
  n?: number | null | undefined;
  prediction?: unknown;
};

/** The most prompt tokens the request can be counted as, capped by the model's context. */
export function inputTokensBound(
  body: ChatShape,
  model: Pick<AiModelDocument, 'contextTokensMax' | 'mediaPartTokensMax'>,
): number {
  let tokens = TOKENS_BASE + body.messages.length * TOKENS_PER_MESSAGE;
  tokens += ((body.tools?.length ?? 0) + (body.functions?.length ?? 0)) * TOKENS_PER_TOOL;
  tokens += textBytes(body.messages, model.mediaPartTokensMax) + textBytes(body.prediction, model.mediaPartTokensMax);
  for (const part of [body.tools, body.functions, body.response_format]) tokens += jsonBytes(part);
  return Math.min(tokens, model.contextTokensMax);
}

/** Schemas reach the model as JSON: brackets, quotes and commas are tokens too, and a property called "file" is no file. */
function jsonBytes(value: unknown): number {
  return value === undefined || value === null ? 0 : Buffer.byteLength(JSON.stringify(value));
}

/** Bytes of every name and string in messages; an image, audio or file part counts as the media bound instead. */
function textBytes(value: unknown, mediaPartTokens: number): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number' || typeof value === 'boolean') return 24;
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + textBytes(one, mediaPartTokens), 0);
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const [name, member] of Object.entries(value)) {
    const isMedia = name === 'image_url' || name === 'input_audio' || name === 'file' || name === 'video_url';
    bytes +=
      Buffer.byteLength(name) +
      (isMedia && typeof member === 'object' ? mediaPartTokens : textBytes(member, mediaPartTokens));
  }
  return bytes;
}

/** The output limit that will be sent upstream: the client's, else the model's bounded default; never above its maximum. */
export function outputTokensLimit(
  body: ChatShape,
  model: Pick<AiModelDocument, 'outputTokensMax' | 'outputTokensDefault'>,
): number {
  const asked = body.max_completion_tokens ?? body.max_tokens;
  return Math.min(asked ?? model.outputTokensDefault, model.outputTokensMax);
}
