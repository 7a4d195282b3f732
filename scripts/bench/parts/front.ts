/** An Express that reads a body, asks the upstream over a kept connection and passes the answer on, and nothing else. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Pool } from 'undici';

const BODY_BYTES_MAX = 1_048_576;
const upstream = new URL(process.env.PART_UPSTREAM ?? '');
const pool = new Pool(upstream.origin, { connections: 256 });

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post(
  '/v1/chat/completions',
  express.raw({ type: () => true, limit: BODY_BYTES_MAX }),
  async (request, response) => {
    const { model } = JSON.parse(String(request.body)) as { model: unknown };
    if (typeof model !== 'string') {
      response.status(400).end();
      return;
    }
    const answer = await pool.request({
      path: `${upstream.pathname}/chat/completions`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request.body as Buffer,
    });
    const body = Buffer.from(await answer.body.arrayBuffer());
    response.writeHead(answer.statusCode, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  },
);
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
