import { expect, it } from '@jest/globals';
import type { Request, Response } from 'express';
import { secureHeaders } from '../../src/admin/guards.ts';
import { createVisitors } from '../../src/admin/visitor.ts';

/** What is only so behind TLS, as in production. */

function headersOf(act: (response: Response) => void): Map<string, string> {
  const headers = new Map<string, string>();
  const response = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    setHeaders: (more: Map<string, string>) => {
      for (const [name, value] of more) headers.set(name, value);
    },
  };
  act(response as unknown as Response);
  return headers;
}

it.each([
  ['https://admin.example.com', /^__Host-ocelotiq_staff=t; Path=\/; HttpOnly; SameSite=Strict; Secure$/],
  ['http://127.0.0.1:8081', /^ocelotiq_staff=t; Path=\/; HttpOnly; SameSite=Strict$/],
])('the cookie of %s belongs to this very host, and to no script or other site', (publicUrl, expected) => {
  const limits = { idleMs: 1, absoluteMs: 1 };
  const { setCookie } = createVisitors({ pepper: Buffer.alloc(32), publicUrl, limits });
  expect(headersOf((response) => setCookie(response, 't')).get('set-cookie')).toMatch(expected);
});

it.each([true, false])('a browser is told to come back by TLS only where there is TLS: %s', (isHttps) => {
  const headers = headersOf((response) => secureHeaders(isHttps)({} as Request, response, () => undefined));
  expect(headers.has('strict-transport-security')).toBe(isHttps);
  expect(headers.get('cache-control')).toBe('no-store');
});
