import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export const METRICS_PATH = '/metrics';

type Answer = (asked: { body: string; stream: boolean }, response: ServerResponse) => Promise<void>;

/**
 * The server of a part that is called: tells its parent the port, and ends with it.
 * @param metrics what it says of itself, for a part that settles.
 */
export function listen(answer: Answer, metrics: () => Promise<string> = async () => '') {
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === METRICS_PATH) {
      response.end(await metrics());
      return;
    }
    const asked = (await json(request)) as { stream?: boolean };
    await answer({ body: JSON.stringify(asked), stream: asked.stream === true }, response);
  };
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
  process.on('disconnect', () => process.exit());
}
