/** What the answer consists of: `notice` says that this is a sandbox, the others are made for tests and measurements. */
export type TextKind = 'notice' | 'echo' | 'lorem' | 'stamp';

/** How one call is to be answered. Durations are milliseconds, the rest are counts. */
export type Script = {
  chunks: number | undefined;
  gapMs: number;
  firstMs: number;
  waitMs: number;
  text: TextKind | undefined;
  faults: string[];
  after: number;
  times: number | undefined;
  retryAfterS: number;
  cached: number | undefined;
  reasoning: number | undefined;
  prompt: number | undefined;
  completion: number | undefined;
  think: number;
  calls: number;
  id: string | undefined;
  unknown: boolean;
};

/** The request or its script cannot be understood: answered with 400 and this text. */
export type Refusal = { refusal: string; param: string | null };

/** One key of the script language, for the reader of `docs/sandbox.md` and for the parser. */
type Parameter = { description: string; set(script: Script, value: string): boolean };

const countMax = 1_000_000_000;
const chunksMax = 100_000;
const delayMsMax = 900_000;
const messageForm = /^\s*\[\[sandbox\s+([^\]]*)\]\]\s?/u;

/** Every key a script may hold. */
export const parameters: Readonly<Record<string, Parameter>> = {
  n: {
    description: 'number of tokens, one per chunk (lorem and stamp; alone it means `text=lorem`)',
    set: (script, value) => setCount(value, chunksMax, (count) => (script.chunks = count)),
  },
  d: {
    description: 'milliseconds between two tokens',
    set: (script, value) => setCount(value, delayMsMax, (count) => (script.gapMs = count)),
  },
  f: {
    description: 'milliseconds before the first token of a stream (headers go with it)',
    set: (script, value) => setCount(value, delayMsMax, (count) => (script.firstMs = count)),
  },
  w: {
    description: 'milliseconds before an answer that is not streamed',
    set: (script, value) => setCount(value, delayMsMax, (count) => (script.waitMs = count)),
  },
  text: {
    description: '`notice` (default), `echo`, `lorem` or `stamp`',
    set: (script, value) => {
      if (value !== 'notice' && value !== 'echo' && value !== 'lorem' && value !== 'stamp') return false;
      script.text = value;
      return true;
    },
  },
  fault: {
    description: 'a name of the table below, or several joined with `+`; `none` for no fault',
    set: (script, value) => {
      script.faults = value === 'none' ? [] : value.split('+');
      return true;
    },
  },
  after: {
    description: 'how many tokens come before the fault (default 3)',
    set: (script, value) => setCount(value, chunksMax, (count) => (script.after = count)),
  },
  times: {
    description: 'the fault hits only the first so many calls of one `x-request-id`',
    set: (script, value) => setCount(value, countMax, (count) => (script.times = count)),
  },
  retry: {
    description: 'seconds in `Retry-After` of 429 and 503 (default 1)',
    set: (script, value) => setCount(value, delayMsMax, (count) => (script.retryAfterS = count)),
  },
  prompt: {
    description: '`usage.prompt_tokens`',
    set: (script, value) => setCount(value, countMax, (count) => (script.prompt = count)),
  },
  completion: {
    description: '`usage.completion_tokens`',
    set: (script, value) => setCount(value, countMax, (count) => (script.completion = count)),
  },
  cached: {
    description: '`usage.prompt_tokens_details.cached_tokens`',
    set: (script, value) => setCount(value, countMax, (count) => (script.cached = count)),
  },
  reasoning: {
    description: '`usage.completion_tokens_details.reasoning_tokens`, hidden tokens added to the completion',
    set: (script, value) => setCount(value, countMax, (count) => (script.reasoning = count)),
  },
  think: {
    description: 'so many tokens of `reasoning_content` before the answer',
    set: (script, value) => setCount(value, chunksMax, (count) => (script.think = count)),
  },
  calls: {
    description: 'number of tool calls when the request has tools (default 1)',
    set: (script, value) => setCount(value, 100, (count) => (script.calls = count)),
  },
  id: {
    description: 'the id of the answer: `change` gives every chunk its own, `none` leaves it out, else this text',
    set: (script, value) => {
      script.id = value;
      return value !== '';
    },
  },
  unknown: {
    description: '`1` adds the field `x_unknown` to every delta, message and chunk',
    set: (script, value) => setCount(value, 1, (count) => (script.unknown = count === 1)),
  },
};

/**
 * Reads the script of one call. Keys of the header win over keys in the message, which win over keys in the model name.
 * Takes the model name (`sandbox@n=5`), the text of the last user message and the header `x-sandbox-script`.
 * Gives the script, or a refusal that names the key which is not understood.
 */
export function readScript(model: string, lastUserText: string, header: string | undefined): Script | Refusal {
  const script = emptyScript();
  const at = model.indexOf('@');
  const inMessage = messageForm.exec(lastUserText)?.[1];
  const refusal =
    (at < 0 ? undefined : applyScript(script, model.slice(at + 1))) ??
    (inMessage === undefined ? undefined : applyScript(script, inMessage)) ??
    (header === undefined ? undefined : applyScript(script, header));
  return refusal ?? script;
}

/** Takes a message and gives what stays of it without a leading `[[sandbox …]]`. */
export function withoutScript(text: string): string {
  return text.replace(messageForm, '');
}

/** Takes a model name and gives it without the script after `@`. */
export function withoutModelScript(model: string): string {
  const at = model.indexOf('@');
  return at < 0 ? model : model.slice(0, at);
}

function emptyScript(): Script {
  return {
    chunks: undefined,
    gapMs: 0,
    firstMs: 0,
    waitMs: 0,
    text: undefined,
    faults: [],
    after: 3,
    times: undefined,
    retryAfterS: 1,
    cached: undefined,
    reasoning: undefined,
    prompt: undefined,
    completion: undefined,
    think: 0,
    calls: 1,
    id: undefined,
    unknown: false,
  };
}

function applyScript(script: Script, text: string): Refusal | undefined {
  for (const pair of text.split(/[\s,]+/u)) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(equals, 0));
    const parameter = Object.hasOwn(parameters, key) ? parameters[key] : undefined;
    if (parameter === undefined || !parameter.set(script, pair.slice(equals + 1))) {
      return { refusal: `The sandbox script does not understand '${pair}'.`, param: 'script' };
    }
  }
  return undefined;
}

function setCount(value: string, max: number, set: (count: number) => void): boolean {
  if (!/^\d{1,10}$/u.test(value) || Number(value) > max) return false;
  set(Number(value));
  return true;
}
