import { type MemberSpan, replaceMembers } from '../json-scan.ts';

/** Differences of one upstream; the catalogue's `quirks`. */
export type BodyQuirks = {
  maxTokensParam?: 'max_tokens' | 'max_completion_tokens';
  noStreamOptions?: boolean;
  dropParams?: string[];
};

/**
 * The body for an upstream: the client's own text with only the members replaced that must differ. Everything else,
 * unknown members included, goes through byte for byte.
 * @param members as `scanJsonObject` found them in `text`.
 * @param outputTokensMax the bound the hold was made for; always sent, so that the answer cannot cost more.
 */
export function upstreamBody(
  text: string,
  members: ReadonlyMap<string, MemberSpan>,
  options: { upstreamModel: string; outputTokensMax: number; stream: boolean; quirks: BodyQuirks },
): string {
  const { upstreamModel, outputTokensMax, stream, quirks } = options;
  const asked = members.has('max_completion_tokens') ? 'max_completion_tokens' : 'max_tokens';
  const limitParam = quirks.maxTokensParam ?? asked;
  const changes: Record<string, string | undefined> = { model: JSON.stringify(upstreamModel) };
  changes.max_tokens = undefined;
  changes.max_completion_tokens = undefined;
  changes[limitParam] = String(outputTokensMax);
  if (stream && !quirks.noStreamOptions) changes.stream_options = streamOptions(text, members);
  else changes.stream_options = undefined;
  for (const name of quirks.dropParams ?? []) changes[name] = undefined;
  return replaceMembers(text, members, changes);
}

/** The client's stream options with usage always asked for: the bill needs it. */
function streamOptions(text: string, members: ReadonlyMap<string, MemberSpan>): string {
  const span = members.get('stream_options');
  const given: unknown = span ? JSON.parse(text.slice(span.valueStart, span.end)) : {};
  return JSON.stringify({ ...(typeof given === 'object' && given !== null ? given : {}), include_usage: true });
}
