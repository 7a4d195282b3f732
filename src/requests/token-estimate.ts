import type { Usage } from '../models/request.ts';

/** Token counts for the rare bill without the provider's own figures. Marked `estimated` on the receipt. */

const SAMPLE_CHARACTERS_MAX = 65_536;

/** Tokens of a text under a current OpenAI vocabulary. A long text is sampled, so that the event loop is not held. */
async function countTokens(text: string): Promise<number> {
  if (text === '') return 0;
  // Loaded on first use: the vocabulary takes half a second and 30 MB that most processes never need.
  const { countTokens: count } = await import('gpt-tokenizer/encoding/o200k_base');
  const sample = text.slice(0, SAMPLE_CHARACTERS_MAX);
  return Math.ceil((count(sample) * text.length) / sample.length);
}

/** Text of all string content below `messages` (roles and names included, media left out). */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value.startsWith('data:') ? '' : value;
  if (Array.isArray(value)) return value.map(textOf).join('\n');
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(textOf).join('\n');
}

/** Text of everything a stream's chunks or a plain answer delivered: content, reasoning and tool arguments. */
export function deliveredText(chunks: readonly unknown[]): string {
  const texts: string[] = [];
  for (const chunk of chunks) {
    const choices = (chunk as { choices?: unknown })?.choices;
    if (!Array.isArray(choices)) continue;
    for (const choice of choices as { delta?: unknown; message?: unknown; text?: unknown }[]) {
      const part = (choice?.delta ?? choice?.message ?? {}) as Record<string, unknown>;
      texts.push(
        textOf(part.content),
        textOf(part.reasoning_content),
        textOf(part.reasoning),
        textOf(part.refusal),
        textOf(part.tool_calls),
      );
    }
  }
  return texts.join('');
}

/**
 * Usage of an answer whose provider reported none.
 * @param messages the request's messages.
 * @param outputTokensAtLeast a count noted earlier, when the text itself is partly lost.
 */
export async function estimateUsage(messages: unknown, delivered: string, outputTokensAtLeast = 0): Promise<Usage> {
  const [promptTokens, output] = await Promise.all([countTokens(textOf(messages)), countTokens(delivered)]);
  return {
    promptTokens,
    completionTokens: Math.max(output, outputTokensAtLeast),
    cachedTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  };
}

/** A cheap running count for the lease's progress note: about four bytes a token, never 0 for a non-empty chunk. */
export function roughTokens(payloadBytes: number): number {
  return Math.max(1, Math.round(payloadBytes / 250));
}
