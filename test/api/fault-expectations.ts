/**
 * What a client must see, and what must be charged, for every fault of the sandbox. `docs/billing.md` in executable form:
 * done is charged by usage, interrupted by what was delivered, everything else nothing.
 */

export type Seen =
  /** The whole answer, charged by the provider's figures. */
  | { kind: 'whole' }
  /** The whole answer, charged by an estimate that says so; `review` when the figures were nonsense. */
  | { kind: 'estimated'; review: boolean }
  /** An HTTP error before the first byte, nothing charged. */
  | { kind: 'refused'; status: number; code: string }
  /** An error in the stream after this text. Charged: what was delivered when `interrupted`, else nothing. */
  | { kind: 'broken'; code: 'interrupted' | 'provider_error'; text: string };

export type Expectation = { plain: Seen; stream: Seen };

/** Five tokens to the sandbox, one word each. */
export const MESSAGE = 'один два три слово пять';
const THREE = 'один два три';

const whole: Seen = { kind: 'whole' };
const estimated: Seen = { kind: 'estimated', review: false };
const review: Seen = { kind: 'estimated', review: true };
const refused = (status: number, code: string): Seen => ({ kind: 'refused', status, code });
const broken = (code: 'interrupted' | 'provider_error', text: string): Seen => ({ kind: 'broken', code, text });
const both = (seen: Seen): Expectation => ({ plain: seen, stream: seen });

const failed = refused(502, 'provider_error');
const rejected = both(refused(400, 'provider_rejected'));
const unavailable = both(refused(503, 'provider_unavailable'));
const timedOut = refused(504, 'provider_timeout');
const limited = both(refused(503, 'provider_rate_limited'));
const tooLarge = refused(502, 'result_too_large');
const harmless = both(whole);
const interrupted = broken('interrupted', THREE);
const reported = broken('provider_error', THREE);

export const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  '204': both(failed),
  '302': both(failed),
  '400': rejected,
  '401': unavailable,
  '402': unavailable,
  '403': unavailable,
  '404': unavailable,
  '408': both(timedOut),
  '413': rejected,
  '422': rejected,
  '429': limited,
  '500': both(failed),
  '502': both(failed),
  '503': unavailable,
  '504': both(timedOut),
  '529': both(failed),
  quota: limited,
  context: rejected,
  html: both(failed),
  'error-body': both(failed),

  'cut-first': both(failed),
  reset: both(failed),
  hang: both(timedOut),
  'hang-body': both(timedOut),
  cut: { plain: failed, stream: interrupted },
  'reset-mid': { plain: failed, stream: interrupted },
  stall: { plain: timedOut, stream: interrupted },
  endless: { plain: tooLarge, stream: broken('interrupted', MESSAGE) },
  slow: both(refused(504, 'deadline_exceeded')),
  'length-long': { plain: failed, stream: whole },
  'length-short': { plain: failed, stream: broken('interrupted', MESSAGE) },
  pipelined: harmless,
  gzip: both(failed),
  'gzip-hidden': both(failed),
  split: harmless,
  'split-bytes': harmless,

  crlf: harmless,
  'no-space': harmless,
  multiline: harmless,
  comments: harmless,
  'keep-alive': harmless,
  blank: harmless,
  bom: harmless,
  fields: harmless,
  'long-line': { plain: tooLarge, stream: broken('interrupted', '') },
  garbage: { plain: failed, stream: interrupted },
  truncated: { plain: failed, stream: interrupted },
  'error-chunk': { plain: whole, stream: reported },
  'error-done': { plain: whole, stream: reported },
  'error-event': { plain: whole, stream: reported },
  'error-empty': { plain: whole, stream: interrupted },
  'no-done': harmless,
  'done-only': { plain: whole, stream: failed },
  'done-twice': harmless,
  'after-done': harmless,

  'empty-choices': { plain: failed, stream: whole },
  'no-finish': harmless,
  'finish-filter': harmless,
  'finish-unknown': { plain: failed, stream: broken('provider_error', MESSAGE) },
  'tool-no-index': harmless,
  'tool-whole': harmless,
  'tool-object': harmless,
  'usage-missing': both(estimated),
  'usage-zero': harmless,
  'usage-negative': both(review),
  'usage-nan': both(review),
  'usage-string': both(review),
  'usage-fraction': both(review),
  'usage-null': both(review),
  'usage-huge': both(review),
  'usage-infinite': both(review),
  'usage-finish': harmless,
  'usage-every': harmless,
  'usage-first': harmless,
  'usage-twice': harmless,
  'usage-after-done': { plain: whole, stream: estimated },
};

/** Faults that are over only when a timer of ours is: run together, on a route of their own. */
export const SLOW_FAULTS: readonly string[] = ['hang', 'hang-body', 'stall', 'slow'];
