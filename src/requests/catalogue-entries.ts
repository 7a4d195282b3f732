import { z } from 'zod';
import { CATALOGUE_MAX } from '../models/ai-model.ts';

/** What providers, models and routes may be: the same for the file of the first start and for what staff type. */

export const PROVIDER_ID = /^[a-z0-9_]{1,40}$/;
/** Of models and of routes. */
export const SLUG = /^[\w./:@-]{1,128}$/;

export const WEIGHT_MAX = 100;
export const PRIORITY_MAX = 1_000;
const TOKENS_MAX = 100_000_000;
const MEDIA_PART_TOKENS_MAX = 1_000_000;
const DROP_PARAMS_MAX = 50;

const tokens = z.number().int().min(1).max(TOKENS_MAX);
export const country = z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters, ISO 3166-1');

/** Headers that belong to the call itself, or to the key, which is never data of the catalogue. */
const HEADERS_DENIED =
  /^(authorization|proxy-.*|x-api-key|api-key|cookie|host|connection|upgrade|te|trailer|expect|accept|accept-encoding|content-.*|transfer-encoding|x-request-id)$/;

export const HEADER = {
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a header in small letters')
    .refine((name) => !HEADERS_DENIED.test(name), 'belongs to the call itself or to the key'),
  value: z.string().regex(/^[\x20-\x7e]{1,500}$/, 'must be the value of a header'),
};

const headers = z
  .record(HEADER.name, HEADER.value)
  .refine((given) => Object.keys(given).length <= CATALOGUE_MAX.headersOfProvider, 'are too many');

/** The path of a call is put behind it as it is. */
const baseUrl = z
  .url({ protocol: /^https?$/, abort: true })
  .max(500)
  .refine((text) => {
    const { username, password } = new URL(text);
    return !/[?#]/.test(text) && username === '' && password === '';
  }, 'must have no credentials, query or fragment')
  .transform((text) => text.replace(/\/+$/, ''));

export const PROVIDER_MEMBERS = {
  id: z.string().regex(PROVIDER_ID),
  baseUrl,
  headers,
  country,
  needsKey: z.boolean(),
};

export const MODEL_MEMBERS = {
  id: z.string().regex(SLUG),
  name: z.string().min(1).max(200),
  ownedBy: z.string().min(1).max(100),
  contextTokensMax: tokens,
  outputTokensMax: tokens,
  outputTokensDefault: tokens,
  mediaPartTokensMax: z.number().int().min(0).max(MEDIA_PART_TOKENS_MAX),
};

export const QUIRKS = {
  maxTokensParam: z.enum(['max_tokens', 'max_completion_tokens']),
  noStreamOptions: z.boolean(),
  dropParams: z.array(z.string().min(1).max(64)).max(DROP_PARAMS_MAX),
  reasoningOutsideCompletion: z.boolean(),
};

export const ROUTE_MEMBERS = {
  id: z.string().regex(SLUG),
  upstreamModel: z.string().min(1).max(200),
  priority: z.number().int().min(0).max(PRIORITY_MAX),
  weight: z.number().int().min(0).max(WEIGHT_MAX),
  enabled: z.boolean(),
};

type Limits = Record<'contextTokensMax' | 'outputTokensMax' | 'outputTokensDefault', number>;

/** An output is part of the context, and the output by default is one that may be asked for. */
export function checkLimits({ value, issues }: z.core.ParsePayload<Limits>): void {
  const { contextTokensMax, outputTokensMax, outputTokensDefault } = value;
  const refuse = (path: keyof Limits, bound: keyof Limits) =>
    issues.push({ code: 'custom', input: value, path: [path], message: `must not be more than ${bound}` });
  if (outputTokensMax > contextTokensMax) refuse('outputTokensMax', 'contextTokensMax');
  if (outputTokensDefault > outputTokensMax) refuse('outputTokensDefault', 'outputTokensMax');
}
