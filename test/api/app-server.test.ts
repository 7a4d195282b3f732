import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import express from 'express';
import { createAppServer } from '../../src/api/server.ts';

test('a request comes with the prototypes of the app, so that Express has none to exchange', async () => {
  const app = express();
  const seen: object[] = [];
  const prototypesOf = (...objects: object[]): object[] => objects.map((one) => Object.getPrototypeOf(one) as object);
  app.get('/path', (request, response) => {
    seen.push(...prototypesOf(request, response));
    response.json({ ip: request.ip, query: request.query });
  });
  const server = createAppServer(app);
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    seen.push(...prototypesOf(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?a=1`;
    const answer = await fetch(url);
    expect([answer.status, await answer.json()]).toEqual([200, { ip: '127.0.0.1', query: { a: '1' } }]);
    const [request, response, ...inHandler] = seen;
    expect(inHandler).toHaveLength(2);
    expect(inHandler[0]).toBe(request);
    expect(inHandler[1]).toBe(response);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
