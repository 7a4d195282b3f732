import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { type Roles, takeSnapshot, useBetween } from './process-use.ts';
import type { Effort } from './steps.ts';
import type { BenchSystem } from './system.ts';

/** Asynchronous requests from the first byte to the signed event at a receiver, as fast as they go. */
export type Webhooks = {
  /** With so many they were most. */
  clients: number;
  deliveredPerSecond: number;
  delivered: number;
  /** Accepted in the window; what is not delivered by the end counts as lost. */
  accepted: number;
  lost: number;
  /** So many rounds; what is not a sum is that of the one in the middle. */
  rounds: number;
  /** CPU seconds per thousand events, by role. */
  cpuPerThousand: Readonly<Record<string, number>>;
};

/** As the closed loops: judged by the number with which it does best. */
const CLIENTS = [32, 128] as const;
const ARRIVE_MAX_MS = 60_000;
const CALL_MS = 30_000;

type Receiver = { url: string; count: () => number; close: () => Promise<void> };

async function startReceiver(): Promise<Receiver> {
  const ids = new Set<string>();
  const server = createServer((request, response) => {
    ids.add(String(request.headers['webhook-id']));
    request.resume();
    request.on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    count: () => ids.size,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Not `fetch`: it takes so much of the core of the generator that the engine, which has to share it, has none left. */
function asker({ baseUrl, headers, models }: BenchSystem['product'], callbackUrl: string) {
  const { origin, pathname } = new URL(`${baseUrl}/chat/completions`);
  const pool = new Pool(origin, { connections: Math.max(...CLIENTS), headersTimeout: CALL_MS, bodyTimeout: CALL_MS });
  const request = {
    path: pathname,
    method: 'POST' as const,
    headers: {
      'content-type': 'application/json',
      prefer: 'respond-async',
      'x-callback-url': callbackUrl,
      ...headers[0],
    },
    body: JSON.stringify({ model: models.plain, messages: [{ role: 'user', content: 'x'.repeat(200) }] }),
  };
  return {
    /** Whether the request was accepted. */
    ask: async (): Promise<boolean> => {
      const { statusCode, body } = await pool.request(request);
      await body.dump();
      return statusCode === 202;
    },
    close: () => pool.destroy(),
  };
}

type Round = Omit<Webhooks, 'rounds'>;

/** Closed loop of clients that wait for their acceptance; then what was accepted is waited for. */
async function measureRound(
  clients: number,
  ask: () => Promise<boolean>,
  receiver: Receiver,
  roles: Roles,
  windowMs: number,
  signal: AbortSignal,
): Promise<Round> {
  const snapshot = takeSnapshot(roles);
  const startedMs = performance.now();
  const before = receiver.count();
  let accepted = 0;
  const client = async () => {
    while (performance.now() - startedMs < windowMs && !signal.aborted) if (await ask()) accepted++;
  };
  await Promise.all(Array.from({ length: clients }, client));
  const giveUpAtMs = performance.now() + ARRIVE_MAX_MS;
  while (receiver.count() - before < accepted && performance.now() < giveUpAtMs) await delay(20, undefined, { signal });
  const delivered = receiver.count() - before;
  const seconds = (performance.now() - startedMs) / 1_000;
  const { cpuSeconds } = useBetween(snapshot, takeSnapshot(roles));
  const cpuPerThousand = Object.fromEntries(
    Object.entries(cpuSeconds).map(([role, used]) => [role, (used * 1_000) / delivered]),
  );
  const lost = accepted - delivered;
  return { clients, deliveredPerSecond: delivered / seconds, delivered, accepted, lost, cpuPerThousand };
}

/** Throws when there is no round. */
function middleOf(rounds: readonly Round[]): Webhooks {
  const sorted = rounds.toSorted((a, b) => a.deliveredPerSecond - b.deliveredPerSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('no round of webhooks was measured');
  const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0);
  return {
    ...middle,
    delivered: sum(({ delivered }) => delivered),
    accepted: sum(({ accepted }) => accepted),
    lost: sum(({ lost }) => lost),
    rounds: rounds.length,
  };
}

/** What any of them lost counts against the best. */
function best(found: readonly Webhooks[]): Webhooks {
  const most = found.reduce((a, b) => (b.deliveredPerSecond > a.deliveredPerSecond ? b : a));
  return { ...most, lost: found.reduce((total, { lost }) => total + lost, 0) };
}

/** Like every other load, after compilers and caches have seen the way of it. */
export async function measureWebhooks(
  system: BenchSystem,
  { heatMs, windowMs, windows }: Pick<Effort, 'heatMs' | 'windowMs' | 'windows'>,
  signal: AbortSignal,
): Promise<Webhooks> {
  const receiver = await startReceiver();
  const { ask, close } = asker(system.product, receiver.url);
  try {
    const roles = { ...system.product.pids, ...system.auxiliary };
    const round = (clients: number, ms: number) => measureRound(clients, ask, receiver, roles, ms, signal);
    await round(CLIENTS[0], heatMs / 2);
    const found: Webhooks[] = [];
    for (const clients of CLIENTS) {
      const rounds: Round[] = [];
      while (rounds.length < windows) rounds.push(await round(clients, windowMs));
      found.push(middleOf(rounds));
    }
    return best(found);
  } finally {
    await close();
    await receiver.close();
  }
}
