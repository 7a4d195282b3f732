import type { ServerResponse } from 'node:http';

/** An error in OpenAI's form. */
export type ApiError = { message: string; type: string; param: string | null; code: string | null };

/** Answers with a status and an error body in OpenAI's form. */
export function sendError(
  response: ServerResponse,
  status: number,
  error: ApiError,
  headers: Record<string, string> = {},
): void {
  sendJson(response, status, { error }, headers);
}

/** Answers with a status and a JSON body. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Gives a 400 in OpenAI's form. */
export function invalidRequest(message: string, param: string | null = null): ApiError {
  return { message, type: 'invalid_request_error', param, code: null };
}
