import type { Logger } from '../../src/log.ts';
import type { Metrics } from '../../src/metrics.ts';
import { ACCOUNT_VALIDATOR } from '../../src/models/account.ts';
import { LEDGER_VALIDATOR } from '../../src/models/ledger-entry.ts';
import { REQUEST_VALIDATOR } from '../../src/models/request.ts';
import type { ContentCipher } from '../../src/privacy/content-key.ts';
import { type Provider, ProviderFailure } from '../../src/providers/provider.ts';
import type { Producer } from '../../src/queue/enqueue.ts';
import type { Catalogue, CatalogueModel } from '../../src/requests/catalogue.ts';
import type { Publisher } from '../../src/stream/publish.ts';
import { createTable, type Table } from './engine/table.ts';
import type { Faults, StoreCall } from './faults.ts';
import type { Invariants } from './invariants.ts';
import type { Scheduler } from './scheduler.ts';

/** Everything around the product's modules: the stores' tables, the queue, the provider, and what says nothing here. */

export type Tables = { accounts: Table; requests: Table; ledger: Table };

export function createTables(invariants: () => Invariants): Tables {
  return {
    accounts: createTable({ validator: ACCOUNT_VALIDATOR, onChange: (change) => invariants().accountChanged(change) }),
    requests: createTable({
      validator: REQUEST_VALIDATOR,
      unique: [{ fields: ['accountId', 'idemKey'], onlyWith: 'idemKey' }],
      onChange: (change) => invariants().requestChanged(change),
    }),
    ledger: createTable({
      validator: LEDGER_VALIDATOR,
      unique: [{ fields: ['accountId', 'seq'] }],
      onChange: (change) => invariants().ledgerChanged(change),
    }),
  };
}

export type Job = { id: string; requestId: string; dueMs: number };

/** The queue in Redis: hands out jobs under a lock, sometimes twice, and may lose any of them. */
export type Jobs = {
  producer: Pick<Producer, 'enqueue'>;
  take(lockMs: number): Job | undefined;
  renew(id: string, lockMs: number): void;
  done(id: string): void;
  again(id: string, delayMs: number): void;
  lose(all: boolean): void;
};

export function createJobs(scheduler: Scheduler, call: StoreCall): Jobs {
  const jobs = new Map<string, Job>();
  return {
    producer: {
      enqueue: (_key, payload, { jobId, delayMs = 0 } = {}) =>
        call('redis.add', () => {
          const { requestId } = payload as { requestId: string };
          const id = jobId ?? requestId;
          if (!jobs.has(id)) jobs.set(id, { id, requestId, dueMs: scheduler.nowMs() + delayMs });
        }),
    },
    take: (lockMs) => {
      const due = [...jobs.values()].filter(({ dueMs }) => dueMs <= scheduler.nowMs());
      const job = due[scheduler.random.between(0, due.length - 1)];
      if (!job) return undefined;
      // A lock that is lost at once stands for every way in which a job is handed out twice.
      job.dueMs = scheduler.nowMs() + (scheduler.random.chance(0.03) ? 1 : lockMs);
      return { ...job };
    },
    renew: (id, lockMs) => {
      const job = jobs.get(id);
      if (job) job.dueMs = scheduler.nowMs() + lockMs;
    },
    done: (id) => {
      jobs.delete(id);
    },
    again: (id, delayMs) => {
      const job = jobs.get(id);
      if (job) job.dueMs = scheduler.nowMs() + delayMs;
    },
    lose: (all) => {
      const ids = [...jobs.keys()];
      for (const id of all ? ids : ids.slice(Math.floor(ids.length / 2))) jobs.delete(id);
    },
  };
}

const ANSWER_MS = { least: 30, most: 900 };

/** Answers, fails, or keeps silent until it is aborted. The call counts from the moment it is made. */
export function createProvider(scheduler: Scheduler, faults: Faults, invariants: () => Invariants): Provider {
  const { random } = scheduler;
  return {
    call: (_target, { requestId }, signal) => {
      invariants().providerCalled(requestId);
      faults.counts.providerCalls++;
      const draw = faults.active ? random.next() : 1;
      const usage = { prompt_tokens: random.between(1, 60), completion_tokens: random.between(0, 90) };
      const delayMs = random.between(ANSWER_MS.least, ANSWER_MS.most);
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        if (draw < 0.02) return;
        setTimeout(() => {
          if (draw < 0.08) {
            reject(new ProviderFailure('provider_error', 'http_500', { definite: true, status: 500 }));
            return;
          }
          const choices = [{ index: 0, message: { role: 'assistant', content: 'said' }, finish_reason: 'stop' }];
          const body = Buffer.from(JSON.stringify({ id: `chat-${requestId}`, choices, usage }));
          const read = async (take: (chunk: Buffer) => unknown) => {
            await take(body);
          };
          resolve({ status: 200, contentType: 'application/json', read });
        }, delayMs);
      });
    },
    close: () => Promise.resolve(),
  };
}

const PRICE = {
  priceId: 'price',
  version: 1,
  inputMicrosPerMillion: 100_000_000n,
  cachedInputMicrosPerMillion: 50_000_000n,
  cacheWriteMicrosPerMillion: 125_000_000n,
  outputMicrosPerMillion: 400_000_000n,
  reasoningMicrosPerMillion: 400_000_000n,
  requestMicros: 0n,
};

const ROUTE = {
  target: { routeId: 'route', providerId: 'provider', baseUrl: 'http://provider', headers: {}, apiKey: undefined },
  upstreamModel: 'model',
  quirks: {},
};

export const MODEL = { model: { _id: 'model' }, price: PRICE, routes: [ROUTE] } as unknown as CatalogueModel;

export const catalogue: Catalogue = { find: () => MODEL, list: () => [MODEL], close: () => Promise.resolve() };

/** Content is not what is looked at here: it stays as it is. */
export const cipher: ContentCipher = {
  seal: (_account, _context, plain) => Promise.resolve(Buffer.from(plain)),
  open: (_account, _context, sealed) => Promise.resolve(Buffer.from(sealed)),
  streamKey: () => Promise.resolve(Buffer.from('a key')),
  forRequest: () => Promise.resolve({ seal: (plain) => Buffer.from(plain), open: (sealed) => Buffer.from(sealed) }),
  forget: () => undefined,
};

export function createSilentPublisher(): Publisher {
  return {
    open: ({ lastSeq = 0 }) => {
      let seq = lastSeq;
      return { data: () => ++seq, end: () => undefined, lastSeq: () => seq };
    },
    room: () => Promise.resolve(),
    flushed: () => Promise.resolve(),
  };
}

const silent = new Proxy({}, { get: () => () => undefined });
export const log = silent as Logger;
export const metrics = new Proxy({}, { get: () => silent }) as Metrics;
