import { expect } from '@jest/globals';
import { statusFaults } from '../../src/sandbox/status-faults.ts';
import type { Bench } from './fault-table.ts';
import { describeFaults } from './fault-table.ts';

function refused(status: number, code: string | null, retryAfter?: string) {
  return async ({ ask }: Bench): Promise<void> => {
    for (const stream of [true, false]) {
      const answer = await ask(stream, { script: 'retry=7' });
      const { error } = JSON.parse(answer.text) as { error: Record<string, unknown> };
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.headers['retry-after']).toBe(retryAfter);
      expect(error).toEqual({ message: expect.any(String), type: expect.any(String), param: null, code });
    }
  };
}

describeFaults('faults that answer with a status', statusFaults, {
  '400': refused(400, null),
  '401': refused(401, 'invalid_api_key'),
  '402': refused(402, 'insufficient_quota'),
  '403': refused(403, 'unsupported_country'),
  '404': refused(404, 'model_not_found'),
  '408': refused(408, null),
  '413': refused(413, 'request_too_large'),
  '422': refused(422, null),
  '429': refused(429, 'rate_limit_exceeded', '7'),
  '500': refused(500, null),
  '502': refused(502, null),
  '503': refused(503, 'overloaded', '7'),
  '504': refused(504, null),
  '529': refused(529, null),
  quota: refused(429, 'insufficient_quota'),
  context: refused(400, 'context_length_exceeded'),
  '204': async ({ ask }) => {
    const answer = await ask(true);
    expect([answer.status, answer.text]).toEqual([204, '']);
  },
  '302': async ({ ask }) => {
    const answer = await ask(true);
    expect([answer.status, answer.headers.location]).toEqual([302, '/v1/models']);
  },
  html: async ({ ask }) => {
    const answer = await ask(false);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/html/u);
    expect(answer.text).toMatch(/^<!DOCTYPE html>/u);
  },
  'error-body': async ({ ask }) => {
    const answer = await ask(true);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.text)).toEqual({ error: expect.objectContaining({ type: 'server_error' }) });
  },
});
