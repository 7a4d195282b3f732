import type { Usage } from './answer.ts';

/** How an answer is put on the wire. Faults change single fields; the rest stays as OpenAI does it. */
export type Shape = {
  /** Gives the JSON text of `usage`, or undefined to leave it out although it was asked for. */
  usage(usage: Usage): string | undefined;
  /** Where a stream carries usage. Anything but `end` sends it whether it was asked for or not. */
  usageAt: 'end' | 'finish' | 'every' | 'start' | 'twice' | 'afterDone';
  toolForm: 'fragments' | 'noIndex' | 'object' | 'whole';
  /** Replaces the finish reason: a text, or null for none at all. */
  finish: string | null | undefined;
};

export const openaiShape: Shape = {
  usage: usageText,
  usageAt: 'end',
  toolForm: 'fragments',
  finish: undefined,
};

/** Identity of one answer, the same in all its chunks unless a script says otherwise. */
export type Identity = { id: string; createdS: number; model: string };

/** Gives usage as OpenAI writes it; details are there only when the script names them. */
function usageText(usage: Usage): string {
  const { prompt, completion, cached, reasoning } = usage;
  const inDetail = cached === undefined ? '' : `,"prompt_tokens_details":{"cached_tokens":${cached},"audio_tokens":0}`;
  const outDetail =
    reasoning === undefined
      ? ''
      : `,"completion_tokens_details":{"reasoning_tokens":${reasoning},"audio_tokens":0,` +
        '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}';
  return (
    `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}` +
    `${inDetail}${outDetail}}`
  );
}

/** Gives the log probabilities of tokens in OpenAI's form: fixed values, `top` alternatives for each. */
export function logprobsText(tokens: string[], top: number): string {
  const content = tokens.map((token) => ({
    ...logprob(token, 0),
    top_logprobs: Array.from({ length: top }, (_, rank) => logprob(rank === 0 ? token : ` alt${rank}`, rank)),
  }));
  return JSON.stringify({ content, refusal: null });
}

function logprob(token: string, rank: number): { token: string; logprob: number; bytes: number[] } {
  return { token, logprob: -0.25 - rank, bytes: [...Buffer.from(token)] };
}

export const unknownField = '"x_unknown":{"list":[1,{"deep":null}],"text":"поле"}';
