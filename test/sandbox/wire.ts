import { connect } from 'node:net';

/** One HTTP answer as it came over the wire. */
export type WireAnswer = {
  status: number;
  headers: Record<string, string>;
  /** The payload of every HTTP chunk, or the body as one when it is not chunked. */
  chunks: Buffer[];
  body: Buffer;
  text: string;
  /** True when the answer has its declared length or its last chunk. */
  complete: boolean;
  /** What follows the declared end of the answer on the same connection. */
  after: string;
  /** How the connection went: closed by the sandbox, reset by it, or left by us. */
  ending: 'closed' | 'reset' | 'left';
  /** Milliseconds between the arrival of the first and the last byte of the body. */
  bodyMs: number;
};

export type Ask = {
  script?: string;
  message?: string;
  stream?: boolean;
  extra?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Keeps the connection open and leaves as soon as this is true of what has arrived. */
  leaveWhen?: (raw: Buffer) => boolean;
  /** Leaves as soon as the request is known to have arrived, for answers that never begin. */
  leaveAfter?: () => Promise<unknown>;
};

/** Sends one chat request over a raw socket and gives the answer byte for byte. */
export function askRaw(port: number, ask: Ask): Promise<WireAnswer> {
  const body = JSON.stringify({
    model: 'sandbox',
    stream: ask.stream ?? false,
    ...(ask.stream === true ? { stream_options: { include_usage: true } } : {}),
    messages: [{ role: 'user', content: ask.message ?? 'hello' }],
    ...ask.extra,
  });
  const headers = {
    host: `127.0.0.1:${port}`,
    connection: ask.leaveWhen === undefined ? 'close' : 'keep-alive',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...(ask.script === undefined ? {} : { 'x-sandbox-script': ask.script }),
    ...ask.headers,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);

  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let firstMs = 0;
    let lastMs = 0;
    const socket = connect(port, '127.0.0.1');
    const settle = (ending: WireAnswer['ending']) => {
      socket.destroy();
      resolve({ ...readAnswer(Buffer.concat(parts)), ending, bodyMs: lastMs - firstMs });
    };
    socket.on('data', (part) => {
      parts.push(part);
      lastMs = performance.now();
      if (firstMs === 0) firstMs = lastMs;
      if (ask.leaveWhen?.(Buffer.concat(parts)) === true) settle('left');
    });
    socket.on('end', () => settle('closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') settle('reset');
      else reject(error);
    });
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${head.join('')}\r\n${body}`);
    ask.leaveAfter?.().then(() => settle('left'), reject);
  });
}

function readAnswer(raw: Buffer): Omit<WireAnswer, 'ending' | 'bodyMs'> {
  const headEnd = raw.indexOf('\r\n\r\n');
  const nothing = { status: 0, headers: {}, chunks: [], body: Buffer.alloc(0), text: '', complete: false, after: '' };
  if (headEnd < 0) return nothing;
  const [statusLine = '', ...headerLines] = raw.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    headerLines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const rest = raw.subarray(headEnd + 4);
  const read = headers['transfer-encoding'] === 'chunked' ? readChunks(rest) : readLength(rest, headers);
  const body = Buffer.concat(read.chunks);
  return { status: Number(statusLine.slice(9, 12)), headers, ...read, body, text: body.toString('utf8') };
}

function readLength(rest: Buffer, headers: Record<string, string>): Pick<WireAnswer, 'chunks' | 'complete' | 'after'> {
  const declared = Number(headers['content-length'] ?? rest.length);
  return {
    chunks: [rest.subarray(0, declared)],
    complete: rest.length >= declared,
    after: rest.subarray(declared).toString('utf8'),
  };
}

function readChunks(rest: Buffer): Pick<WireAnswer, 'chunks' | 'complete' | 'after'> {
  const chunks: Buffer[] = [];
  let at = 0;
  while (at < rest.length) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16);
    if (lineEnd < 0 || lineEnd + 2 + size + 2 > rest.length) break;
    if (size === 0) return { chunks, complete: true, after: rest.subarray(lineEnd + 4).toString('utf8') };
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return { chunks, complete: false, after: '' };
}

export type ServerSentEvent = { event: string; data: string };

/** Reads server-sent events as the specification wants it: any line ending, comments, several data lines, BOM. */
export function readEvents(text: string): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  let event = 'message';
  let data: string[] = [];
  for (const line of text.replace(/^\uFEFF/u, '').split(/\r\n|\n|\r/u)) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      event = 'message';
      data = [];
    } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /u, ''));
    else if (line.startsWith('event:')) event = line.slice(6).replace(/^ /u, '');
  }
  return events;
}

export type Chunk = {
  id?: string;
  choices: {
    index: number;
    delta: { role?: string; content?: string | null; reasoning_content?: string; tool_calls?: ToolDelta[] };
    finish_reason: string | null;
    logprobs?: unknown;
  }[];
  usage?: Record<string, unknown> | null;
  error?: { code?: unknown; message: string };
};

type ToolDelta = { index?: number; id?: string; function: { name?: string; arguments: unknown } };

/** Gives the JSON of all events but `[DONE]`. */
export function chunksOf(answer: WireAnswer): Chunk[] {
  return readEvents(answer.text)
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) => JSON.parse(data) as Chunk);
}

/** Gives the text that the chunks add up to. */
export function contentOf(chunks: Chunk[]): string {
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
}

/** Gives how many events are `[DONE]`. */
export function doneCount(answer: WireAnswer): number {
  return readEvents(answer.text).filter(({ data }) => data === '[DONE]').length;
}

/** Waits until `check` gives something else than false or undefined, looking again every 2 ms. */
export async function until<T>(check: () => T | false | undefined): Promise<T> {
  for (;;) {
    const found = check();
    if (found !== false && found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
