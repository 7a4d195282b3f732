/**
 * One error class and one catalogue. The HTTP edge and the job executor read the same table, so a code cannot be
 * forgotten in one of them.
 */

/** What a code means to a caller: HTTP status, OpenAI error `type`, and whether the same call may succeed later. */
type ErrorRow = { status: number; type: ErrorType; retryable: boolean; message: string };

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'insufficient_quota'
  | 'rate_limit_error'
  | 'conflict_error'
  | 'provider_error'
  | 'server_error';

const row = (status: number, type: ErrorType, retryable: boolean, message: string): ErrorRow => ({
  status,
  type,
  retryable,
  message,
});

export const ERROR_CATALOGUE = {
  invalid_json: row(400, 'invalid_request_error', false, 'The request body is not valid JSON.'),
  invalid_request: row(400, 'invalid_request_error', false, 'The request is not valid.'),
  key_in_query: row(
    400,
    'invalid_request_error',
    false,
    'Send the API key in the Authorization header. A key that appeared in a URL must be treated as leaked: revoke it.',
  ),
  callback_url_forbidden: row(400, 'invalid_request_error', false, 'The callback URL is not allowed.'),
  context_length_exceeded: row(400, 'invalid_request_error', false, 'The request is longer than the model accepts.'),
  missing_api_key: row(401, 'authentication_error', false, 'No API key: send "Authorization: Bearer <key>".'),
  invalid_api_key: row(401, 'authentication_error', false, 'The API key is not valid.'),
  expired_api_key: row(401, 'authentication_error', false, 'The API key has expired.'),
  insufficient_balance: row(402, 'insufficient_quota', false, 'The balance does not cover this request.'),
  spend_limit_reached: row(402, 'insufficient_quota', false, 'The spend limit of this API key is reached.'),
  max_cost_exceeded: row(402, 'insufficient_quota', false, 'This request may cost more than X-Max-Cost allows.'),
  account_suspended: row(403, 'permission_error', false, 'This account is suspended. Contact support.'),
  scope_forbidden: row(403, 'permission_error', false, 'This API key is not allowed to do this.'),
  cross_border_forbidden: row(
    403,
    'permission_error',
    false,
    'This account does not let its data go abroad, and no provider of this model in Russia is available.',
  ),
  sign_in_failed: row(401, 'authentication_error', false, 'Signing in failed.'),
  second_person_needed: row(403, 'permission_error', false, 'Somebody other than the proposer must decide this.'),
  staff_forbidden: row(403, 'permission_error', false, 'Your role does not allow this.'),
  model_not_found: row(404, 'not_found_error', false, 'The model does not exist or this key has no access to it.'),
  not_found: row(404, 'not_found_error', false, 'Not found.'),
  method_not_allowed: row(405, 'invalid_request_error', false, 'This method is not allowed here.'),
  request_timeout: row(408, 'invalid_request_error', true, 'The request body did not arrive in time.'),
  state_conflict: row(409, 'conflict_error', false, 'This is not possible in the present state.'),
  cancelled: row(409, 'conflict_error', false, 'The request was cancelled.'),
  result_not_retained: row(
    409,
    'conflict_error',
    false,
    'This request was answered before and its answer is not kept (zero retention or past its time).',
  ),
  body_too_large: row(413, 'invalid_request_error', false, 'The request body is too large.'),
  headers_too_large: row(431, 'invalid_request_error', false, 'The request has too many headers, or too large ones.'),
  unsupported_media_type: row(415, 'invalid_request_error', false, 'Send application/json in UTF-8, not compressed.'),
  idempotency_mismatch: row(
    422,
    'invalid_request_error',
    false,
    'This Idempotency-Key was used before with a different request.',
  ),
  rate_limit_exceeded: row(429, 'rate_limit_error', true, 'Rate limit reached. Try again later.'),
  too_many_open_requests: row(429, 'rate_limit_error', true, 'Too many requests of this account are still open.'),
  result_too_large: row(502, 'provider_error', false, 'The provider sent more than can be relayed.'),
  provider_error: row(502, 'provider_error', true, 'The provider failed to answer.'),
  provider_rejected: row(400, 'invalid_request_error', false, 'The provider refused the request.'),
  provider_rate_limited: row(503, 'provider_error', true, 'All providers of this model are busy. Try again later.'),
  provider_unavailable: row(503, 'provider_error', true, 'No provider of this model is available now.'),
  provider_timeout: row(504, 'provider_error', true, 'The provider did not answer in time.'),
  interrupted: row(502, 'server_error', false, 'The answer was interrupted. Only what was delivered is charged.'),
  deadline_exceeded: row(504, 'server_error', true, 'The request could not be finished before its deadline.'),
  overloaded: row(503, 'server_error', true, 'The service is busy. Try again later.'),
  unavailable: row(503, 'server_error', true, 'The service is temporarily unavailable. Try again later.'),
  outcome_unknown: row(
    503,
    'server_error',
    false,
    'Whether this request was carried out is not known now. Ask for it by its id (x-request-id) before you repeat it.',
  ),
  internal: row(500, 'server_error', true, 'An internal error occurred.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export type AppErrorOptions = {
  /** Public text; the catalogue's when left out. Never put secrets or content here. */
  message?: string;
  /** The offending request parameter, as OpenAI's `param`. */
  param?: string;
  /** Operator's text for logs only. */
  internal?: string;
  /** Extra public members of the error body (snake_case), e.g. the amounts of a 402. */
  details?: Record<string, unknown>;
  /** Milliseconds after which a repeat makes sense; becomes Retry-After. */
  retryAfterMs?: number;
  cause?: unknown;
};

/** The only error thrown on purpose. `message` is public; `internal` and `cause` are for operators. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly internal: string | undefined;
  readonly details: Record<string, unknown>;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? ERROR_CATALOGUE[code].message, { cause: options.cause });
    this.code = code;
    this.param = options.param ?? null;
    this.internal = options.internal;
    this.details = options.details ?? {};
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }
}

/** By name and code, how drivers say that a store cannot be reached or does not answer. */
const STORE_AWAY_NAMES =
  /^Mongo(Network|NetworkTimeout|ServerSelection|NotConnected|TopologyClosed|WaitQueueTimeout|PoolCleared|PoolClosed|OperationTimeout|ClientClosed)Error$/;
const STORE_AWAY_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT']);

function isStoreAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (STORE_AWAY_NAMES.test(error.name)) return true;
  if ('code' in error && STORE_AWAY_CODES.has(String(error.code))) return true;
  return isStoreAway(error.cause);
}

/** Turns anything thrown into an AppError that keeps its cause: `unavailable` when a store is away, else `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError(isStoreAway(error) ? 'unavailable' : 'internal', { cause: error });
}

/** OpenAI's error body for a code. `details` are added beside the four members that SDKs read. */
export function errorBody(error: Pick<AppError, 'code' | 'message' | 'param' | 'details'>) {
  const { type } = ERROR_CATALOGUE[error.code];
  return { error: { message: error.message, type, param: error.param, code: error.code, ...error.details } };
}

/** Narrows a stored string to a catalogue code; unknown codes (from older versions) become `internal`. */
export function toErrorCode(code: string): ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code) ? (code as ErrorCode) : 'internal';
}
