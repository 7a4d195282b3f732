import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, errorBody } from '../errors.ts';
import { newId } from '../ids.ts';

/** What Node's HTTP parser refuses never reaches the app; it is answered here, in the same shape. */

/** How long a client that is still sending may take to read its answer. */
const LINGER_MS = 1_000;

/** The answer that is due on this socket, if there is one. Bytes of another would corrupt it. */
type AnsweringSocket = Duplex & {
  _httpMessage?: { headersSent: boolean; shouldKeepAlive: boolean; req: { complete: boolean } } | null;
};

function errorOf(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('headers_too_large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('request_timeout');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new AppError('body_too_large');
    default:
      return new AppError('invalid_request', { message: 'The request is not valid HTTP.' });
  }
}

function refuse(socket: AnsweringSocket, error: AppError, headers: readonly string[] = []): void {
  // Answered already; what the client still sends is malformed again and again.
  if (socket.writableEnded) return;
  const due = socket._httpMessage;
  if (due?.req.complete) {
    // The request itself arrived in full and is under way: its answer goes out, and is the last one here.
    due.shouldKeepAlive = false;
    return;
  }
  if (!socket.writable || due?.headersSent) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(errorBody(error));
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${newId('req')}`,
    `x-should-retry: ${error.retryable}`,
    ...headers,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // Closing at once, with bytes unread, would reset the connection under the answer.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Answers malformed HTTP, time-outs of a request, CONNECT and unknown expectations with typed errors. */
export function answerUnparsed(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else refuse(socket, errorOf(error.code));
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined);
    refuse(socket, new AppError('method_not_allowed'), ['allow: GET, POST']);
  });
  server.on('checkExpectation', (request: IncomingMessage) => {
    refuse(
      request.socket,
      new AppError('invalid_request', { message: 'Expect: only 100-continue is known.', param: 'Expect' }),
    );
  });
}
