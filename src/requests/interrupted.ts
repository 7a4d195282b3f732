import type { WithId } from 'mongodb';
import { ERROR_CATALOGUE } from '../errors.ts';
import type { RequestDocument } from '../models/request.ts';
import type { RequestCipher } from '../privacy/content-key.ts';
import { toBytes } from '../privacy/sealing.ts';
import type { Frame } from '../stream/events.ts';
import { billFor, NOTHING_CHARGED } from './bill.ts';
import type { RunDependencies, RunOutcome } from './run-types.ts';
import { deliveredText, estimateUsage } from './token-estimate.ts';

/**
 * The end of a request whose worker died after the provider may have been called. It is not called again: the client is
 * told, and charged only for what was delivered, as far as the kept log or the last progress note tells.
 */
export async function interruptedOutcome(
  request: WithId<RequestDocument>,
  cipher: RequestCipher,
  deps: Pick<RunDependencies, 'logReader' | 'cipher' | 'log'>,
): Promise<{ outcome: RunOutcome; lastSeq: number }> {
  const frames = request.stream ? await readLog(request._id, cipher, deps) : [];
  const payloads = frames.map((frame) => frame.payload);
  const lastSeq = Math.max(frames.at(-1)?.seq ?? 0, request.progress?.seq ?? 0);
  const { status, message } = ERROR_CATALOGUE.interrupted;
  const outcome: RunOutcome = {
    state: 'failed',
    bill:
      lastSeq === 0 ? NOTHING_CHARGED : await billFor(request, undefined, {}, () => estimate(request, payloads, deps)),
    attempts: [],
    error: { code: 'interrupted', message, status },
    relayed: payloads,
    closing: [],
    firstSeq: frames[0]?.seq ?? lastSeq + 1,
  };
  return { outcome, lastSeq };
}

async function readLog(
  requestId: string,
  cipher: RequestCipher,
  deps: Pick<RunDependencies, 'logReader' | 'log'>,
): Promise<Frame[]> {
  try {
    const frames = await deps.logReader.read(requestId, cipher.open);
    const sorted = frames.filter((frame) => frame.type === 'data').sort((a, b) => a.seq - b.seq);
    // A resent write can stand in the log twice, and a lost tail leaves a gap: keep the last run without gaps.
    const run: Frame[] = [];
    for (const frame of sorted) {
      const previous = run.at(-1);
      if (previous && frame.seq === previous.seq) continue;
      if (previous && frame.seq !== previous.seq + 1) run.length = 0;
      run.push(frame);
    }
    return run;
  } catch (error) {
    deps.log.warn({ requestId, err: error }, 'log of an interrupted stream not readable');
    return [];
  }
}

async function estimate(request: WithId<RequestDocument>, payloads: Buffer[], deps: Pick<RunDependencies, 'cipher'>) {
  const input = request.input
    ? (JSON.parse(
        (await deps.cipher.open(request.accountId, `requests|${request._id}|input`, toBytes(request.input))).toString(
          'utf8',
        ),
      ) as { messages?: unknown })
    : {};
  const chunks = payloads.flatMap((payload): unknown[] => {
    try {
      return [JSON.parse(payload.toString('utf8'))];
    } catch {
      return [];
    }
  });
  // The progress note covers what the log lost; it is rough, so it only counts where the log has less.
  const noted = payloads.length === 0 ? (request.progress?.outputTokens ?? 0) : 0;
  return estimateUsage(input.messages, deliveredText(chunks), noted);
}
