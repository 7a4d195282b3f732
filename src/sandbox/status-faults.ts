import type { ApiError } from './errors.ts';
import { sendError } from './errors.ts';
import type { Fault, Faults } from './fault.ts';

/** The faults that answer at once with something else than a completion. */
export const statusFaults: Faults = {
  '400': refusal(400, 'The request was malformed.', 'invalid_request_error', null),
  '401': refusal(401, 'Incorrect API key provided.', 'invalid_request_error', 'invalid_api_key'),
  '402': refusal(402, 'Insufficient balance.', 'insufficient_quota', 'insufficient_quota'),
  '403': refusal(403, 'Country, region, or territory not supported.', 'request_forbidden', 'unsupported_country'),
  '404': refusal(
    404,
    'The model does not exist or you do not have access to it.',
    'invalid_request_error',
    'model_not_found',
  ),
  '408': refusal(408, 'The request timed out.', 'timeout_error', null),
  '413': refusal(413, 'The request is too large.', 'invalid_request_error', 'request_too_large'),
  '422': refusal(422, 'The request could not be processed.', 'invalid_request_error', null),
  '429': refusal(429, 'Rate limit reached for requests.', 'requests', 'rate_limit_exceeded', true),
  '500': refusal(500, 'The server had an error while processing your request.', 'server_error', null),
  '502': refusal(502, 'Bad gateway.', 'server_error', null),
  '503': refusal(
    503,
    'The engine is currently overloaded, please try again later.',
    'server_error',
    'overloaded',
    true,
  ),
  '504': refusal(504, 'The gateway timed out.', 'server_error', null),
  '529': refusal(529, 'Overloaded.', 'overloaded_error', null),
  quota: refusal(429, 'You exceeded your current quota.', 'insufficient_quota', 'insufficient_quota'),
  context: refusal(
    400,
    "This model's maximum context length is 8192 tokens.",
    'invalid_request_error',
    'context_length_exceeded',
  ),
  '204': {
    description: 'status 204 without a body',
    instead: ({ response }) => void response.writeHead(204).end(),
  },
  '302': {
    description: 'status 302 to `/v1/models` of the sandbox',
    instead: ({ response }) => void response.writeHead(302, { location: '/v1/models', 'content-length': 0 }).end(),
  },
  html: {
    description: 'status 200 with an HTML page, as a proxy or a login page answers',
    instead: ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>');
    },
  },
  'error-body': {
    description: 'status 200 with an error as JSON body, also where a stream was asked for',
    instead: ({ response }) =>
      sendError(response, 200, { message: 'The model is overloaded.', type: 'server_error', param: null, code: null }),
  },
};

function refusal(status: number, message: string, type: string, code: ApiError['code'], retryable = false): Fault {
  return {
    description: `status ${status}, code \`${code}\`${retryable ? ', with `Retry-After`' : ''}`,
    instead: ({ response, script }) => {
      const headers: Record<string, string> = retryable ? { 'retry-after': String(script.retryAfterS) } : {};
      sendError(response, status, { message, type, param: null, code }, headers);
    },
  };
}
