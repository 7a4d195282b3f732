import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

extendZodWithOpenApi(z);

/** What clients send and get, as schemas: the API validates with them and its OpenAPI document is made from them. */

const MESSAGES_MAX = 2_000;
const TOOLS_MAX = 128;
const CHOICES_MAX = 16;
const tokenLimit = z.number().int().min(1).max(10_000_000).nullish();

const message = z.looseObject({ role: z.string().min(1).max(64) });

/** Only what the gateway itself reads is checked; every other member goes to the provider untouched. */
export const chatCompletionRequest = z
  .looseObject({
    model: z.string().min(1).max(256),
    messages: z.array(message).min(1).max(MESSAGES_MAX),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    max_tokens: tokenLimit,
    max_completion_tokens: tokenLimit,
    n: z.number().int().min(1).max(CHOICES_MAX).nullish(),
    tools: z.array(z.looseObject({})).max(TOOLS_MAX).nullish(),
    functions: z.array(z.looseObject({})).max(TOOLS_MAX).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
  })
  .openapi('ChatCompletionRequest', {
    description: "OpenAI's chat completion request. Members not listed here are passed on as they are.",
  });

export type ChatCompletionRequest = z.infer<typeof chatCompletionRequest>;

const amount = z.string().openapi({ description: 'Exact decimal rubles', example: '12.345678' });

export const errorResponse = z
  .object({
    error: z.looseObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .openapi('Error');

export const chatCompletionResponse = z
  .looseObject({
    id: z.string(),
    object: z.string(),
    created: z.number().int(),
    model: z.string(),
    choices: z.array(z.looseObject({})),
  })
  .openapi('ChatCompletion');

export const modelResponse = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.number().int(),
    owned_by: z.string(),
    name: z.string(),
    context_length: z.number().int(),
    max_output_tokens: z.number().int(),
    default_max_output_tokens: z.number().int(),
    provider_countries: z.array(z.string()).openapi({
      description: 'Where its providers are that this account may use, ISO 3166-1 alpha-2; "ZZ" is not known.',
      example: ['RU'],
    }),
    pricing: z.object({
      currency: z.literal('RUB'),
      version: z.string(),
      input: amount,
      cached_input: amount,
      cache_write: amount,
      output: amount,
      reasoning: amount,
      request: amount,
    }),
  })
  .openapi('Model', { description: 'Prices are rubles for a million tokens; `request` is rubles for each request.' });

export const modelList = z.object({ object: z.literal('list'), data: z.array(modelResponse) }).openapi('ModelList');

export const requestResponse = z
  .looseObject({
    id: z.string(),
    object: z.literal('request'),
    status: z.enum(['queued', 'in_progress', 'completed', 'failed', 'cancelled']),
    mode: z.enum(['sync', 'stream', 'async']),
    model: z.string(),
    created_at: z.number().int().nullable(),
    finished_at: z.number().int().nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    usage: z.looseObject({}).nullable(),
    cost: z.object({ amount, currency: z.literal('RUB') }).nullable(),
    receipt: z.looseObject({}),
    response: z
      .looseObject({})
      .optional()
      .openapi({ description: 'The answer itself, once it is there (not for streams).' }),
  })
  .openapi('Request');

export const balanceResponse = z
  .object({
    object: z.literal('balance'),
    currency: z.literal('RUB'),
    available: amount,
    held: amount,
    running_requests: z.number().int(),
    status: z.string(),
  })
  .openapi('Balance');

const rubles = z.number().openapi({ description: 'Rubles, not dollars' });

export const keyResponse = z
  .object({
    data: z.object({
      label: z.string(),
      currency: z.literal('RUB'),
      limit: rubles.nullable(),
      limit_remaining: rubles.nullable(),
      limit_reset: z.enum(['daily', 'monthly']).nullable(),
      usage: rubles,
      usage_daily: rubles,
      usage_monthly: rubles,
      is_free_tier: z.boolean(),
      expires_at: z.string().nullable(),
      scopes: z.object({ models: z.array(z.string()), endpoints: z.array(z.string()) }),
      on_disconnect: z.enum(['cancel', 'finish']),
      zero_retention: z.boolean(),
    }),
  })
  .openapi('Key', {
    description: 'Shaped like OpenRouter’s key object; amounts are rubles and count what running requests hold.',
  });
