import { ProviderFailure, type Taken } from './provider.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

/**
 * Gives the bytes of a body to `take` as they come, up to a bound.
 * @throws ProviderFailure beyond `bytesMax`; whatever `take` threw; else what `translate` makes of the transport's error.
 */
export async function readBody(
  answer: Pick<UpstreamAnswer, 'read'>,
  bytesMax: number,
  take: (chunk: Buffer) => Taken,
  translate: (error: unknown) => ProviderFailure,
): Promise<void> {
  let bytes = 0;
  const outcome = await answer.read((chunk) => {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new ProviderFailure('result_too_large', 'too_many_bytes', { definite: false });
    return take(chunk);
  });
  if (outcome.by === 'reader') throw outcome.error;
  if (outcome.by === 'transport') throw translate(outcome.error);
}
