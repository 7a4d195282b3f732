import { connect } from 'node:net';

/** HTTP written by hand, for requests that no client library would send. */

export type RawAnswer = { status: number; headers: Record<string, string>; body: string; interim: number[] };

export type RawOptions = {
  /** Send FIN after the last byte, as a client that gave up. */
  finish?: boolean;
  /** Sent only once the first interim answer (100) is there. */
  afterContinue?: string;
};

const TIMEOUT_MS = 20_000;

/** One answer parsed from the head of `text`; undefined while it is not whole. */
function parseAnswer(text: string, interim: number[]): RawAnswer | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  const rest = text.slice(headEnd + 4);
  if (status >= 100 && status < 200) return parseAnswer(rest, [...interim, status]);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const length = Number(headers['content-length'] ?? Number.NaN);
  if (Number.isNaN(length) || Buffer.byteLength(rest, 'latin1') < length) return undefined;
  return { status, headers, interim, body: Buffer.from(rest.slice(0, length), 'latin1').toString('utf8') };
}

/**
 * Sends bytes to an HTTP server and gives its first final answer. An answer must carry its length.
 * @throws when the connection ends without one.
 */
export function rawHttp(url: string, bytes: string | Buffer, options: RawOptions = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let text = '';
    let continued = false;
    const socket = connect({ host: hostname, port: Number(port) });
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
      socket.destroy();
    };
    const timer = setTimeout(() => settle(() => reject(new Error(`no answer in time, only: ${text}`))), TIMEOUT_MS);
    socket.on('connect', () => {
      if (options.finish) socket.end(bytes);
      else socket.write(bytes);
    });
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const answer = parseAnswer(text, []);
      if (answer) settle(() => resolve(answer));
      else if (!continued && options.afterContinue !== undefined && text.startsWith('HTTP/1.1 100 ')) {
        continued = true;
        socket.write(options.afterContinue);
      }
    });
    // A reset after the answer is none of our business; before it, it is the failure.
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('close', () =>
      settle(() => reject(new Error(`closed without an answer, after: ${JSON.stringify(text)}`))),
    );
  });
}
