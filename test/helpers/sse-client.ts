import { once } from 'node:events';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';

/**
 * A client of event streams that keeps every byte, waits for events instead of time, and can leave at any moment. Each
 * has a connection of its own, so that leaving one never touches another.
 */
export type SseEvent = { id: number | undefined; event: string | undefined; data: string };

export type SseClient = {
  /** Resolves with the status when the head is there; rejects when the connection ends before it. */
  readonly status: Promise<number>;
  /** How it ended: by the server in order, or cut (by whichever side). Never rejects. */
  readonly closed: Promise<'ended' | 'cut'>;
  header(name: string): string | undefined;
  /** Everything received as text. */
  text(): string;
  /** The stream without its comments: what must be equal, byte for byte, however it was obtained. */
  bytes(): string;
  events(): SseEvent[];
  comments(): number;
  /** Resolves when so many events are there; rejects when the stream ends before that. */
  until(count: number): Promise<void>;
  /** Resolves when `holds` does, looked at after every piece; rejects when the stream ends before that. */
  untilSeen(holds: (client: SseClient) => boolean): Promise<void>;
  /** Leaves at once, without a word. */
  abort(): void;
};

export type SseCall = {
  url: string;
  key: string;
  path?: string;
  /** With a body it is a POST. */
  body?: unknown;
  headers?: Record<string, string>;
};

const CHAT_PATH = '/v1/chat/completions';

function parse(text: string): SseEvent[] {
  const blocks = text.split('\n\n').slice(0, -1);
  return blocks.flatMap((block) => {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    if (lines.length === 0) return [];
    const field = (name: string) =>
      lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    const [id] = field('id');
    return [
      { id: id === undefined ? undefined : Number(id), event: field('event')[0], data: field('data').join('\n') },
    ];
  });
}

export function openSse(call: SseCall): SseClient {
  const url = new URL(call.path ?? CHAT_PATH, call.url);
  const agent = new Agent();
  const request: ClientRequest = httpRequest(url, {
    agent,
    method: call.body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${call.key}`,
      connection: 'close',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    },
  });
  let response: IncomingMessage | undefined;
  let text = '';
  let over = false;
  const listeners = new Set<() => void>();
  const look = () => {
    for (const listener of listeners) listener();
  };
  const status = once(request, 'response').then(([head]: IncomingMessage[]) => head?.statusCode ?? 0);
  status.catch(() => undefined);
  const closed = new Promise<'ended' | 'cut'>((resolve) => {
    const finish = (how: 'ended' | 'cut') => {
      over = true;
      resolve(how);
      look();
      agent.destroy();
    };
    request.once('response', (head: IncomingMessage) => {
      response = head;
      head.setEncoding('utf8');
      head.on('data', (piece: string) => {
        text += piece;
        look();
      });
      head.once('close', () => finish(head.complete ? 'ended' : 'cut'));
      head.on('error', () => undefined);
      look();
    });
    request.on('error', () => finish('cut'));
  });
  request.end(call.body === undefined ? undefined : JSON.stringify(call.body));

  const client: SseClient = {
    status,
    closed,
    header: (name) => {
      const value = response?.headers[name];
      return typeof value === 'string' ? value : undefined;
    },
    text: () => text,
    bytes: () => text.replace(/^:.*\n\n/gm, ''),
    events: () => parse(text),
    comments: () => text.match(/^:/gm)?.length ?? 0,
    until: (count) => client.untilSeen((one) => one.events().length >= count),
    untilSeen: (holds) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (holds(client)) resolve();
          else if (over) reject(new Error(`the stream ended before what was waited for:\n${text.slice(-2_000)}`));
          else return;
          listeners.delete(check);
        };
        listeners.add(check);
        check();
      }),
    abort: () => request.destroy(),
  };
  return client;
}

/** The body of a streamed chat with one user message. */
export function streamBody(content: string, model = 'test/echo', rest: Record<string, unknown> = {}) {
  return { model, stream: true, messages: [{ role: 'user', content }], ...rest };
}

/** What the model said, put together from the chunks; chunks that are not JSON (`[DONE]`) say nothing. */
export function spokenText(events: readonly SseEvent[]): string {
  return events
    .filter(({ data }) => data.startsWith('{'))
    .map(({ data }) => (JSON.parse(data) as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta)
    .map((delta) => delta?.content ?? '')
    .join('');
}

/** The typed error that a stream ended with: on its last chunk, or in an `error` event. */
export function closingError(events: readonly SseEvent[]): { code: string; last_event_id?: number } | undefined {
  const data = events.at(-1)?.data ?? '';
  if (!data.startsWith('{')) return undefined;
  return (JSON.parse(data) as { error?: { code: string } }).error;
}

export function isDone(events: readonly SseEvent[]): boolean {
  return events.at(-1)?.data === '[DONE]';
}
