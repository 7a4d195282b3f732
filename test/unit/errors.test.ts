import { expect, test } from '@jest/globals';
import { AppError, ERROR_CATALOGUE, type ErrorCode, errorBody, toAppError, toErrorCode } from '../../src/errors.ts';

const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

test.each(codes)('%s: an HTTP error status, a public sentence, and a body with the four members SDKs read', (code) => {
  const error = new AppError(code);
  expect(error.status).toBeGreaterThanOrEqual(400);
  expect(error.status).toBeLessThan(600);
  expect(error.message).toMatch(/^[A-Z].*[.>)]$/s);
  const { error: body } = errorBody(error);
  expect(body).toEqual({ message: error.message, type: expect.any(String), param: null, code });
});

test('what cannot succeed by repeating is not declared retryable: every 4xx but waiting ones', () => {
  const waiting = new Set<ErrorCode>(['request_timeout', 'rate_limit_exceeded', 'too_many_open_requests']);
  for (const code of codes) {
    if (ERROR_CATALOGUE[code].status < 500)
      expect([code, ERROR_CATALOGUE[code].retryable]).toEqual([code, waiting.has(code)]);
  }
});

test('no money is 402 of type insufficient_quota, which SDKs do not retry', () => {
  for (const code of ['insufficient_balance', 'spend_limit_reached', 'max_cost_exceeded'] as const)
    expect(ERROR_CATALOGUE[code]).toMatchObject({ status: 402, type: 'insufficient_quota', retryable: false });
});

test('details are added to the body; what is internal is not', () => {
  const error = new AppError('insufficient_balance', {
    message: 'Public.',
    param: 'model',
    internal: 'operators only',
    cause: new Error('driver text'),
    details: { needed: '1.5' },
  });
  expect(errorBody(error)).toEqual({
    error: {
      message: 'Public.',
      type: 'insufficient_quota',
      param: 'model',
      code: 'insufficient_balance',
      needed: '1.5',
    },
  });
});

test('anything thrown becomes an internal error that shows nothing of itself and keeps its cause', () => {
  for (const thrown of [new TypeError('secret text'), 'secret text', undefined, { message: 'secret text' }]) {
    const error = toAppError(thrown);
    expect(error).toMatchObject({ code: 'internal', status: 500, cause: thrown });
    expect(JSON.stringify(errorBody(error))).not.toContain('secret text');
  }
  const own = new AppError('not_found');
  expect(toAppError(own)).toBe(own);
});

test('a stored code of another version reads as internal, also one that is a name of every object', () => {
  expect(codes.map(toErrorCode)).toEqual(codes);
  for (const code of ['', 'gone_since', 'constructor', '__proto__', 'toString'])
    expect(toErrorCode(code)).toBe('internal');
});
