import { Agent, errors } from 'undici';
import { scrub } from '../log.ts';
import {
  type Provider,
  type ProviderAnswer,
  ProviderFailure,
  type ProviderRequest,
  type RouteTarget,
} from './provider.ts';
import { readBody } from './read-body.ts';
import { type AnswerHead, UpstreamAnswer } from './upstream-answer.ts';

export type AdapterTimeouts = {
  connectTimeoutMs: number;
  firstByteTimeoutMs: number;
  idleTimeoutMs: number;
  bytesMax: number;
  connectionsMax: number;
};

const ERROR_BODY_BYTES_MAX = 16_384;
const PUBLIC_TEXT_CHARACTERS_MAX = 500;
const RETRY_AFTER_MS_MAX = 60_000;

/** Any upstream that speaks OpenAI's chat wire: pooled keep-alive connections, a deadline for every phase. */
export function createOpenAiCompatible(timeouts: AdapterTimeouts): Provider {
  const agent = new Agent({
    connect: { timeout: timeouts.connectTimeoutMs },
    connections: timeouts.connectionsMax,
    headersTimeout: timeouts.firstByteTimeoutMs,
    bodyTimeout: timeouts.idleTimeoutMs,
    keepAliveTimeout: 10_000,
    pipelining: 1,
  });

  return {
    call: async (target, request, signal) => {
      const answer = new UpstreamAnswer(signal);
      const { statusCode: status, headers } = await send(agent, target, request, signal, answer);
      if (status < 200 || status > 299) throw await refusal(status, headers, answer);
      const contentType = String(headers['content-type'] ?? '');
      if (status === 204 || /text\/html/i.test(contentType)) {
        answer.discard();
        throw new ProviderFailure('provider_error', 'unexpected_body', { definite: false, status });
      }
      const encoding = headers['content-encoding'];
      if (encoding !== undefined && encoding !== 'identity') {
        answer.discard();
        throw new ProviderFailure('provider_error', 'unexpected_encoding', { definite: false, status });
      }
      return {
        status,
        contentType,
        read: (take) => readBody(answer, timeouts.bytesMax, take, (error) => transportFailure(error, signal)),
      } satisfies ProviderAnswer;
    },
    close: () => agent.close(),
  };
}

async function send(
  agent: Agent,
  target: RouteTarget,
  request: ProviderRequest,
  signal: AbortSignal,
  answer: UpstreamAnswer,
): Promise<AnswerHead> {
  try {
    signal.throwIfAborted();
    const { origin, pathname, search } = new URL(`${target.baseUrl}${request.path}`);
    const headers = {
      'content-type': 'application/json',
      accept: request.stream ? 'text/event-stream' : 'application/json',
      'accept-encoding': 'identity',
      'x-request-id': request.requestId,
      ...target.headers,
      ...(target.apiKey === undefined ? {} : { authorization: `Bearer ${target.apiKey}` }),
    };
    agent.dispatch({ origin, path: `${pathname}${search}`, method: 'POST', headers, body: request.body }, answer);
    return await answer.head;
  } catch (error) {
    throw transportFailure(error, signal);
  }
}

/** Errors of the connection itself. Only a connection that was never made is a definite "nothing happened". */
function transportFailure(error: unknown, signal: AbortSignal): ProviderFailure {
  if (signal.aborted) return new ProviderFailure('cancelled', 'aborted', { definite: false, cause: error });
  if (error instanceof errors.HeadersTimeoutError) {
    return new ProviderFailure('provider_timeout', 'first_byte_timeout', { definite: false, cause: error });
  }
  if (error instanceof errors.BodyTimeoutError) {
    return new ProviderFailure('provider_timeout', 'idle_timeout', { definite: false, cause: error });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (
    error instanceof errors.ConnectTimeoutError ||
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_|ERR_TLS|DEPTH_ZERO)/.test(code)
  ) {
    return new ProviderFailure('provider_unavailable', 'connect', { definite: true, cause: error });
  }
  return new ProviderFailure('provider_error', 'connection_lost', { definite: false, cause: error });
}

/** A cut error body is as good as none. */
async function readErrorText(answer: UpstreamAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  await answer.read((chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    return bytes > ERROR_BODY_BYTES_MAX ? 'enough' : undefined;
  });
  return Buffer.concat(chunks).toString('utf8');
}

/** The upstream's `error.message`, when it is one a client may see. */
function errorMessage(text: string): string | undefined {
  try {
    const parsed = JSON.parse(text.trim()) as { error?: { message?: unknown } | string; message?: unknown };
    const message = typeof parsed.error === 'object' ? parsed.error?.message : (parsed.error ?? parsed.message);
    return typeof message === 'string' ? scrub(message).slice(0, PUBLIC_TEXT_CHARACTERS_MAX) : undefined;
  } catch {
    return undefined;
  }
}

/** A status outside 2xx. The upstream answered instead of working, so another route may be tried. */
async function refusal(
  status: number,
  headers: AnswerHead['headers'],
  answer: UpstreamAnswer,
): Promise<ProviderFailure> {
  const text = await readErrorText(answer);
  const outcome = `http_${status}`;
  const retryAfterMs = retryAfter(headers['retry-after']);
  const common = { definite: true, status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (status === 429) return new ProviderFailure('provider_rate_limited', outcome, common);
  if (status === 401 || status === 402 || status === 403)
    return new ProviderFailure('provider_unavailable', outcome, common);
  // A gateway's time-out says nothing about what the model behind it did.
  if (status === 408 || status === 504 || status === 524) {
    return new ProviderFailure('provider_timeout', outcome, { ...common, definite: false });
  }
  // A model or path that the upstream does not know is our catalogue's mistake, not the client's.
  if (status === 404 || status === 405) return new ProviderFailure('provider_unavailable', outcome, common);
  if (status === 503) return new ProviderFailure('provider_unavailable', outcome, common);
  if (status >= 400 && status <= 499) {
    const publicText = errorMessage(text);
    return new ProviderFailure('provider_rejected', outcome, {
      ...common,
      ...(publicText === undefined ? {} : { publicText }),
    });
  }
  return new ProviderFailure('provider_error', outcome, common);
}

function retryAfter(header: string | string[] | undefined): number | undefined {
  const seconds = Number(Array.isArray(header) ? header[0] : header);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1_000, RETRY_AFTER_MS_MAX) : undefined;
}
