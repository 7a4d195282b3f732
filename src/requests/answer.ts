import { ProviderFailure } from '../providers/provider.ts';
import { type SseEvent, SseOverflow, SseParser } from '../providers/sse.ts';
import { LikeChunk } from './like-chunk.ts';

/** What came from the provider, read only where money or protocol needs it. No I/O here. */

type Chunk = { choices?: unknown; usage?: unknown; error?: unknown; id?: unknown };
type Choice = { index?: unknown; finish_reason?: unknown };

const EVENT_BYTES_MAX = 1024 * 1024;
const DONE = '[DONE]';
/** Finish reasons by which upstreams report their own failure. */
const FAILED_FINISHES = new Set(['error', 'insufficient_system_resource']);

const broken = (outcome: string, definite = false, cause?: unknown) =>
  new ProviderFailure('provider_error', outcome, { definite, cause });

/** The relay's view of one streamed answer: feed it bytes, take the payloads to pass on. */
export class StreamedAnswer {
  /** The last usage object seen; upstreams that repeat it report running totals. */
  usage: unknown;
  upstreamId: string | undefined;
  private readonly parser = new SseParser(EVENT_BYTES_MAX);
  private readonly seen = new Set<unknown>();
  private readonly finished = new Set<unknown>();
  private doneSeen = false;
  private like: LikeChunk | undefined;
  private readonly includeUsage: boolean;

  /** @param includeUsage whether the client asked for the usage chunk; we always ask the provider for it. */
  constructor(includeUsage: boolean) {
    this.includeUsage = includeUsage;
  }

  /**
   * Payloads to relay, verbatim, one by one: what came before a bad event in the same bytes is given before it throws,
   * and nothing after `[DONE]` is looked at.
   * @throws ProviderFailure for an error event or anything that is not the protocol.
   */
  *push(bytes: Buffer): Generator<Buffer, void> {
    try {
      for (const event of this.parser.push(bytes)) {
        const payload = this.take(event);
        if (payload) yield payload;
        if (this.doneSeen) return;
      }
    } catch (error) {
      if (error instanceof SseOverflow)
        throw new ProviderFailure('result_too_large', 'event_too_long', { definite: false, cause: error });
      throw error;
    }
  }

  /** Call when the body has ended. Throws when the answer is not complete: an EOF alone is never a success. */
  end(): void {
    const unfinished = this.parser.hasPartial() || this.finished.size === 0 || this.finished.size < this.seen.size;
    if (unfinished && !this.doneSeen) throw broken('cut');
    // An answer without a single choice is none, as for a plain body.
    if (this.seen.size === 0) throw broken('no_choices');
  }

  /** Nothing that comes after `[DONE]` counts. */
  get complete(): boolean {
    return this.doneSeen;
  }

  private take({ event, data }: SseEvent): Buffer | undefined {
    if (this.doneSeen || data.length === 0) return undefined;
    if (data.length < 16 && data.toString('latin1').trim() === DONE) {
      this.doneSeen = true;
      return undefined;
    }
    if (event === undefined && this.like?.fits(data)) return data;
    const chunk = parseChunk(data);
    if (event === 'error' || (chunk.error !== undefined && chunk.error !== null)) throw broken('error_event', true);
    if (chunk.usage !== undefined && chunk.usage !== null) this.usage = chunk.usage;
    if (this.upstreamId === undefined && typeof chunk.id === 'string') this.upstreamId = chunk.id.slice(0, 200);
    const choices = Array.isArray(chunk.choices) ? (chunk.choices as Choice[]) : [];
    this.note(choices);
    if (saysOnlyContent(chunk, choices)) this.like = LikeChunk.of(data) ?? this.like;
    if (choices.length === 0 && chunk.usage && !this.includeUsage) return undefined;
    return data;
  }

  private note(choices: readonly Choice[]): void {
    for (const choice of choices) {
      const index = choice?.index ?? 0;
      this.seen.add(index);
      if (typeof choice?.finish_reason !== 'string') continue;
      if (FAILED_FINISHES.has(choice.finish_reason)) throw broken(`finish_${choice.finish_reason}`, true);
      this.finished.add(index);
    }
  }
}

/** Nothing that a chunk with another text in its place would have to be parsed for. */
function saysOnlyContent({ usage, error }: Chunk, choices: readonly Choice[]): boolean {
  const [choice] = choices;
  return (
    choices.length === 1 &&
    (usage === undefined || usage === null) &&
    (error === undefined || error === null) &&
    typeof choice?.finish_reason !== 'string'
  );
}

function parseChunk(data: Buffer): Chunk {
  try {
    const chunk: unknown = JSON.parse(data.toString('utf8'));
    if (typeof chunk === 'object' && chunk !== null && !Array.isArray(chunk)) return chunk;
  } catch (error) {
    throw broken('garbage', false, error);
  }
  throw broken('garbage');
}

export type PlainAnswer = { body: Buffer; parsed: Chunk; usage: unknown; upstreamId: string | undefined };

/** A whole JSON answer. Leading blank lines, which some upstreams send as keep-alive, are dropped. */
export function readPlainAnswer(bytes: Buffer): PlainAnswer {
  const text = bytes.toString('utf8').trim();
  const body = text.length === bytes.length ? bytes : Buffer.from(text);
  const parsed = parseChunk(body);
  if (parsed.error !== undefined && parsed.error !== null) throw broken('error_in_200', true);
  if (!Array.isArray(parsed.choices) || parsed.choices.length === 0) throw broken('no_choices');
  const failed = (parsed.choices as Choice[]).find((choice) => FAILED_FINISHES.has(String(choice?.finish_reason)));
  if (failed) throw broken(`finish_${String(failed.finish_reason)}`, true);
  return {
    body,
    parsed,
    usage: parsed.usage ?? undefined,
    upstreamId: typeof parsed.id === 'string' ? parsed.id.slice(0, 200) : undefined,
  };
}
