import type { ContentCipher } from '../privacy/content-key.ts';
import { toBytes } from '../privacy/sealing.ts';
import { findRequest, storedAnswer } from './stored-answer.ts';

/** The content of a request for a person's eyes. */

const CHARACTERS_MAX = 200_000;

export type ReadableContent = {
  /** The body as the client sent it; missing when it is not kept. */
  input?: string;
  /** The answer, a stream's events one a line; missing when there is none or it is not kept. */
  answer?: string;
  /** One of the two is longer than is shown. */
  isCut: boolean;
};

/** Opens what is kept of a request. @throws when its account's key was destroyed. */
export async function readableContent(
  requestId: string,
  cipher: Pick<ContentCipher, 'open'>,
): Promise<ReadableContent> {
  const request = await findRequest(requestId);
  const texts: Pick<ReadableContent, 'input' | 'answer'> = {};
  if (request?.input)
    texts.input = (
      await cipher.open(request.accountId, `requests|${requestId}|input`, toBytes(request.input))
    ).toString();
  if (request?.result)
    texts.answer = (await storedAnswer(request, cipher)).payloads.map((payload) => payload.toString()).join('\n');
  const isCut = Object.values(texts).some((text) => text.length > CHARACTERS_MAX);
  const cut = Object.entries(texts).map(([name, text]) => [name, text.slice(0, CHARACTERS_MAX)] as const);
  return { ...Object.fromEntries(cut), isCut };
}
