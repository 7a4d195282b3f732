import { setTimeout as delay } from 'node:timers/promises';
import { Connection, nowUs } from './connection.ts';
import { type AnswerEnd, type LoadResult, Recording } from './recording.ts';

/**
 * Load on one base URL. `rate` sends at fixed times whatever the answers do, so a slow system cannot slow its own
 * measurement down (no coordinated omission); `closed` keeps that many requests open; `streams` does so with streams
 * whose starts are spread out.
 */
export type LoadPlan =
  | { kind: 'rate'; perSecond: number }
  | { kind: 'closed'; clients: number }
  | { kind: 'streams'; concurrent: number; spreadMs: number };

export type LoadOptions = {
  baseUrl: string;
  /** One set per client account, used in turn. */
  headers: readonly Readonly<Record<string, string>>[];
  model: string;
  stream: boolean;
  /** Further directions to the sandbox provider, used in turn with the accounts. */
  scripts?: readonly string[];
  /** Stamps of a whole answer. */
  chunksExpected: number;
  plan: LoadPlan;
  warmupMs: number;
  windowMs: number;
  /** How long open answers may take after the window. */
  drainMs: number;
  /** Every so many requests the client leaves in the middle of its stream; they count as failed, reason `left`. */
  leaving?: { everyNth: number; afterChunks: number };
  /** Told of every answer that has come to its end. */
  onEnd?: (end: AnswerEnd) => void;
  /** Called at both ends of the measured window. */
  onWindow?: (edge: 'start' | 'end') => void;
  signal?: AbortSignal;
};

const CONNECTIONS_MAX = 4_000;
const PROMPT = 'Tell me about the river and the city by the sea. '.repeat(4);
const OUTPUT_TOKENS_MAX = 256;
/** Timers are never early, so this much too early is on time more often. */
const TIMER_EARLY_MS = 0.3;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost)$/;

function requestBytes(options: LoadOptions, url: URL, index: number): Buffer {
  const { headers, scripts = [] } = options;
  const script = scripts[index % scripts.length];
  const body = JSON.stringify({
    model: options.model,
    messages: [
      { role: 'system', content: 'You are terse.' },
      { role: 'user', content: script === undefined ? PROMPT : `[[sandbox ${script}]] ${PROMPT}` },
    ],
    max_tokens: Math.max(OUTPUT_TOKENS_MAX, options.chunksExpected),
    temperature: 0.7,
    ...(options.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
  const lines = [
    `POST ${url.pathname.replace(/\/$/, '')}/chat/completions HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    `accept: ${options.stream ? 'text/event-stream' : 'application/json'}`,
    ...Object.entries(headers[index] ?? {}).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Runs one step of load and resolves with what it saw, when all answers are there or the drain time is over.
 * @throws Error when `signal` is aborted, or for an address that is not on this machine.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const url = new URL(options.baseUrl);
  if (!LOOPBACK.test(url.hostname)) throw new Error(`${url.hostname} is not this machine: load stays on it`);
  const generator = new Generator(options, url);
  try {
    return await generator.run();
  } finally {
    generator.close();
  }
}

class Generator {
  private readonly recording = new Recording();
  private readonly idle: Connection[] = [];
  private readonly all = new Set<Connection>();
  private readonly requests: Buffer[];
  private readonly options: LoadOptions;
  private readonly address: { host: string; port: number };
  private sent = 0;
  private open = 0;
  private stopped = false;

  constructor(options: LoadOptions, url: URL) {
    this.options = options;
    this.recording.onEnd = options.onEnd;
    this.address = { host: url.hostname, port: Number(url.port || 80) };
    this.requests = options.headers.map((_headers, index) => requestBytes(options, url, index));
  }

  async run(): Promise<LoadResult> {
    const { plan, warmupMs, windowMs, drainMs, onWindow, signal } = this.options;
    if (plan.kind === 'rate') this.startRate(plan.perSecond);
    else if (plan.kind === 'closed') this.startClients(plan.clients, 0);
    else this.startClients(plan.concurrent, plan.spreadMs);
    const wait = (ms: number) => delay(ms, undefined, signal ? { signal } : {});
    await wait(warmupMs);
    this.recording.isOpen = true;
    onWindow?.('start');
    const startedMs = performance.now();
    await wait(windowMs);
    this.recording.isOpen = false;
    const windowSeconds = (performance.now() - startedMs) / 1_000;
    onWindow?.('end');
    this.stopped = true;
    const giveUpAtMs = performance.now() + drainMs;
    while (this.open > 0 && performance.now() < giveUpAtMs) await wait(20);
    return this.recording.result(windowSeconds, this.open);
  }

  close(): void {
    this.stopped = true;
    for (const connection of this.all) connection.destroy();
  }

  private startRate(perSecond: number): void {
    const gapUs = 1e6 / perSecond;
    let dueUs = nowUs();
    const tick = () => {
      if (this.stopped) return;
      for (; dueUs <= nowUs(); dueUs += gapUs) this.fire(dueUs, () => undefined);
      setTimeout(tick, Math.max(0, (dueUs - nowUs()) / 1_000 - TIMER_EARLY_MS));
    };
    tick();
  }

  private startClients(clients: number, spreadMs: number): void {
    for (let index = 0; index < clients; index++) {
      const again = () => {
        if (!this.stopped) this.fire(nowUs(), () => setImmediate(again));
      };
      setTimeout(again, (index * spreadMs) / clients);
    }
  }

  private fire(scheduledUs: number, then: () => void): void {
    const connection = this.idle.pop() ?? this.connect();
    const bytes = this.requests[this.sent++ % this.requests.length];
    if (!connection || !bytes) {
      if (this.recording.isOpen) this.recording.fail('no_connection');
      // A client of a closed loop must not spin.
      setTimeout(then, 10);
      return;
    }
    this.open++;
    const { chunksExpected, stream, leaving } = this.options;
    const leaveAfterChunks = leaving && this.sent % leaving.everyNth === 0 ? leaving.afterChunks : undefined;
    const done = () => {
      this.open--;
      then();
    };
    connection.send({ bytes, scheduledUs, chunksExpected, stream, leaveAfterChunks, done });
  }

  private connect(): Connection | undefined {
    if (this.all.size >= CONNECTIONS_MAX) return undefined;
    const connection = new Connection(this.address, this.recording, {
      onIdle: (one) => this.idle.push(one),
      onGone: (one) => {
        this.all.delete(one);
        const at = this.idle.indexOf(one);
        if (at >= 0) this.idle.splice(at, 1);
      },
    });
    this.all.add(connection);
    return connection;
  }
}
