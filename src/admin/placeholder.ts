import { createServer, type Server, type ServerResponse } from 'node:http';

/** What stands at the back-office's address until it is built: its health answers and one page that says so. */

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ocelotiq</title>
</head>
<body>
<main>
<h1>Ocelotiq</h1>
<p>The back-office comes with a later version.</p>
<p lang="ru">Панель управления появится в одной из следующих версий.</p>
</main>
</body>
</html>
`;

function send(response: ServerResponse, status: number, type: string, body: string, isHead: boolean): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(isHead ? undefined : body);
}

/** A server that holds no data and takes no input; not listening yet. */
export function createPlaceholder(): Server {
  const server = createServer((request, response) => {
    const isHead = request.method === 'HEAD';
    const path = (request.url ?? '/').split('?', 1)[0];
    request.resume();
    if (request.method !== 'GET' && !isHead) send(response, 405, 'text/plain', 'method not allowed\n', false);
    else if (path === '/healthz' || path === '/readyz')
      send(response, 200, 'application/json', '{"status":"ok"}', isHead);
    else if (path === '/') send(response, 200, 'text/html; charset=utf-8', PAGE, isHead);
    else send(response, 404, 'text/plain', 'not found\n', isHead);
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  return server;
}
