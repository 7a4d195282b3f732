import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { ACCOUNT_DATA_OPERATIONS } from './openapi-account-data.ts';
import { errors, events, json, security } from './openapi-responses.ts';
import { SUPPORT_OPERATIONS } from './openapi-support.ts';
import {
  balanceResponse,
  chatCompletionRequest,
  chatCompletionResponse,
  keyResponse,
  modelList,
  modelResponse,
  requestResponse,
} from './schemas.ts';

/** The OpenAPI 3.1 document, made from the schemas that the routes validate with. */

const requestId = z.object({ requestId: z.string().openapi({ example: 'req_01kb2v6m3x8p4q9r7t5w1y0z2a' }) });

const callHeaders = z.object({
  'Idempotency-Key': z.string().max(255).optional().openapi({
    description: 'Repeats under the same key get the same answer and are charged once (kept at least 24 h).',
  }),
  Prefer: z.string().optional().openapi({ description: '"respond-async": answered with 202 and the request object.' }),
  'X-Callback-Url': z
    .url()
    .optional()
    .openapi({ description: 'Where the result is posted as a Standard Webhooks event (with respond-async).' }),
  'X-Max-Cost': z.string().optional().openapi({ description: 'Rubles; refuse the request when it could cost more.' }),
  'X-Fit-To-Balance': z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'Lower the output limit to what the balance affords instead of refusing.' }),
  'X-On-Disconnect': z
    .enum(['cancel', 'finish'])
    .optional()
    .openapi({ description: 'What happens when the waiting client goes away.' }),
  'X-Zero-Retention': z.enum(['true', 'false']).optional().openapi({ description: 'Keep neither input nor answer.' }),
});

const replyHeaders = z.object({
  'x-request-id': z.string(),
  'x-max-output-tokens': z
    .string()
    .openapi({ description: 'The output limit that was applied, and priced in the hold.' }),
  'x-hold-rub': z.string().openapi({ description: 'Rubles held until the request ends.' }),
  'x-balance-rub': z.string().optional(),
  'idempotency-replayed': z.string().optional(),
});

/** Every documented operation; `app.ts` mounts the same paths, and a test compares the two. */
export const OPERATIONS: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    summary: 'Create a chat completion (plain, streamed, or asynchronous)',
    security,
    request: {
      headers: callHeaders,
      body: { required: true, content: { 'application/json': { schema: chatCompletionRequest } } },
    },
    responses: {
      200: {
        description: 'The answer; with "stream": true as server-sent events, each with an `id` to resume after',
        headers: replyHeaders,
        content: {
          'application/json': { schema: chatCompletionResponse },
          'text/event-stream': { schema: z.string() },
        },
      },
      202: json(requestResponse, 'Accepted; `Location` is where to ask for it'),
      ...errors(400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504),
    },
  },
  {
    method: 'get',
    path: '/v1/models',
    summary: 'List the models this key may call',
    security,
    responses: { 200: json(modelList, 'Models with prices'), ...errors(401, 403, 429) },
  },
  {
    method: 'get',
    path: '/v1/models/{modelId}',
    summary: 'Show a model (its id may contain slashes)',
    security,
    request: { params: z.object({ modelId: z.string() }) },
    responses: { 200: json(modelResponse, 'The model'), ...errors(401, 403, 404, 429) },
  },
  {
    method: 'get',
    path: '/v1/requests/{requestId}',
    summary: 'Status, usage, cost and receipt of a request; its answer when it is there',
    security,
    request: { params: requestId },
    responses: { 200: json(requestResponse, 'The request'), ...errors(401, 403, 404, 429) },
  },
  {
    method: 'get',
    path: '/v1/requests/{requestId}/stream',
    summary: 'Continue a stream after an event',
    security,
    request: {
      params: requestId,
      query: z.object({ starting_after: z.string().optional() }),
      headers: z.object({ 'Last-Event-ID': z.string().optional() }),
    },
    responses: { 200: events('The events after the given one'), ...errors(400, 401, 403, 404, 409, 429) },
  },
  {
    method: 'post',
    path: '/v1/requests/{requestId}/cancel',
    summary: 'Cancel a request (idempotent)',
    security,
    request: { params: requestId },
    responses: { 200: json(requestResponse, 'The request as it is now'), ...errors(401, 403, 404, 429) },
  },
  {
    method: 'get',
    path: '/v1/balance',
    summary: 'The account’s balance',
    security,
    responses: { 200: json(balanceResponse, 'Exact rubles'), ...errors(401, 403, 429) },
  },
  {
    method: 'get',
    path: '/v1/key',
    summary: 'The calling key: limits and spend',
    security,
    responses: { 200: json(keyResponse, 'The key'), ...errors(401, 403, 429) },
  },
  ...ACCOUNT_DATA_OPERATIONS,
  ...SUPPORT_OPERATIONS,
  { method: 'get', path: '/healthz', summary: 'The process lives', responses: { 200: { description: 'ok' } } },
  {
    method: 'get',
    path: '/readyz',
    summary: 'The process can work',
    responses: { 200: { description: 'ready' }, 503: { description: 'not ready' } },
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    responses: { 200: { description: 'OpenAPI 3.1' } },
  },
  { method: 'get', path: '/docs', summary: 'This document as a page', responses: { 200: { description: 'HTML' } } },
];

export function openApiDocument(publicUrl: string) {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'ocq_live_…',
  });
  for (const operation of OPERATIONS) registry.registerPath(operation);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Ocelotiq API',
      version: '1',
      description:
        'OpenAI-compatible access to AI models, paid from a prepaid ruble balance. Amounts are exact decimal rubles.',
    },
    servers: [{ url: publicUrl }],
  });
}
