import type { Dispatcher } from 'undici';
import { ProviderFailure, type Taken } from './provider.ts';

type Body = Dispatcher.ResponseData['body'];

const TAIL_BYTES_MAX = 16_384;

/**
 * Gives the bytes of a body to `take` as they come, which costs a fraction of iterating over them. What is left when the reader
 * stops early (a tail after the last event) is read and thrown away within a bound, so that the connection can be used again.
 * @throws ProviderFailure beyond `bytesMax`; whatever `take` threw; else what `translate` makes of the transport's error.
 */
export async function readBody(
  body: Body,
  bytesMax: number,
  take: (chunk: Buffer) => Taken,
  translate: (error: unknown) => ProviderFailure,
): Promise<void> {
  let bytes = 0;
  const read = (chunk: Buffer): Taken => {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new ProviderFailure('result_too_large', 'too_many_bytes', { definite: false });
    return take(chunk);
  };
  const outcome = await pump(body, read);
  if (!body.readableEnded) body.dump({ limit: TAIL_BYTES_MAX }).catch(() => undefined);
  if (outcome.by === 'reader') throw outcome.error;
  if (outcome.by === 'transport') throw translate(outcome.error);
}

type Outcome = { by: 'end' } | { by: 'reader' | 'transport'; error: unknown };

function pump(body: Body, read: (chunk: Buffer) => Taken): Promise<Outcome> {
  return new Promise((resolve) => {
    const onData = (chunk: Buffer) => {
      try {
        const taken = read(chunk);
        if (taken === 'enough') settle({ by: 'end' });
        else if (taken) {
          body.pause();
          taken.then(() => body.resume(), failed);
        }
      } catch (error) {
        failed(error);
      }
    };
    const onEnd = () => settle({ by: 'end' });
    const onError = (error: unknown) => settle({ by: 'transport', error });
    const onClose = () => settle({ by: 'transport', error: new Error('the body was closed before its end') });
    const failed = (error: unknown) => settle({ by: 'reader', error });
    const settle = (outcome: Outcome) => {
      body.off('data', onData).off('end', onEnd).off('close', onClose);
      // Left on: an error that comes while the tail is thrown away has no other listener.
      resolve(outcome);
    };
    body.on('error', onError).on('end', onEnd).on('close', onClose).on('data', onData);
  });
}
