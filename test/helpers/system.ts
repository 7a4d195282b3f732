import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { freePort } from '../../scripts/engines/free-port.ts';
import { issueKey } from '../../src/auth/keys.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { importCatalogue } from '../../src/requests/catalogue-import.ts';
import { type BuiltProcess, startBuilt } from './built-process.ts';
import type { Stores } from './stores.ts';

/**
 * The whole product as real processes (the built entry points) on the engines of this run, with short timers. The test
 * itself is connected to the same database through `useStores`, to seed and to look.
 */
export type System = {
  sandboxUrl: string;
  apis: SystemProcess[];
  workers: SystemProcess[];
  startApi(env?: Environment): Promise<SystemProcess>;
  startWorker(env?: Environment): Promise<SystemProcess>;
  /** A new account with this balance and one key of it. */
  customer(options?: CustomerOptions): Promise<Customer>;
  /** Ends every process by its own id, hard. */
  stop(): Promise<void>;
};

export type SystemProcess = {
  url: string;
  process: BuiltProcess;
  /** SIGKILL, and resolved when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and resolved with the exit code. */
  terminate(): Promise<number | string>;
};

export type Customer = {
  accountId: string;
  keyId: string;
  key: string;
  webhookSecret: string;
  /** An official OpenAI client against the n-th api process (0 unless told). */
  client(options?: { api?: SystemProcess; maxRetries?: number; headers?: Record<string, string> }): OpenAI;
  /** A bare request with this customer's key. */
  fetch(path: string, init?: RequestInit & { api?: SystemProcess }): Promise<Response>;
};

export type CustomerOptions = { rub?: number; key?: Partial<Parameters<typeof issueKey>[0]> };
export type Environment = Record<string, string>;
export type SystemOptions = {
  apis?: number;
  workers?: number;
  env?: Environment;
  mongoUri?: string;
  redisUrl?: string;
  /** For a test that opens what the system has sealed. */
  masterKey?: Buffer;
  /** Base URLs of further providers of the test catalogue, by id. */
  providers?: Readonly<Record<string, string>>;
};

const CATALOGUE = fileURLToPath(new URL('./catalogue.json', import.meta.url));
const READY_MS = 60_000;

/** Timers of a second or less, so that a test of a crash does not wait for production's patience. */
const SHORT_TIMERS: Environment = {
  LEASE_MS: '2000',
  LEASE_HEARTBEAT_MS: '500',
  QUEUE_LOCK_MS: '1500',
  QUEUE_STALLED_MS: '500',
  SWEEP_INTERVAL_MS: '300',
  SWEEP_ACCEPTED_MS: '1500',
  SWEEP_SETTLE_MS: '500',
  HOLD_GRACE_MS: '2000',
  OUTBOX_FLUSH_MS: '50',
  RECONCILE_INTERVAL_MS: '2000',
  REQUEST_DEADLINE_MS: '20000',
  STREAM_DEADLINE_MS: '20000',
  ASYNC_DEADLINE_MS: '20000',
  PROVIDER_FIRST_BYTE_MS: '5000',
  PROVIDER_IDLE_MS: '3000',
  API_HEARTBEAT_MS: '1000',
  API_DISCONNECT_GRACE_MS: '300',
  API_DRAIN_NOTICE_MS: '100',
  API_DRAIN_MS: '5000',
  WORKER_DRAIN_MS: '8000',
  STOP_GRACE_MS: '10000',
  WEBHOOK_RETRY_SECONDS: '1,1,1,1,1,1',
  WEBHOOK_OVERDUE_MS: '3000',
  RATE_KEY_REQUESTS_PER_MINUTE: '1000000',
  RATE_KEY_TOKENS_PER_MINUTE: '1000000000',
  RATE_KEY_CONCURRENCY: '10000',
  RATE_IP_PER_MINUTE: '10000000',
  OPEN_REQUESTS_MAX: '500',
  // A share of such short deadlines is nothing that a busy machine could keep; refusals have tests of their own.
  ADMISSION_SYNC_WAIT_PERCENT: '100',
  ADMISSION_STREAM_WAIT_PERCENT: '100',
  ADMISSION_ASYNC_WAIT_PERCENT: '100',
};

async function waitReady(url: string, process: BuiltProcess, mayDie: boolean, path = '/readyz'): Promise<void> {
  const giveUpAtMs = Date.now() + READY_MS;
  let ended: number | string | undefined;
  void process.ended.then((code) => {
    ended = code;
  });
  while (Date.now() < giveUpAtMs) {
    // Armed to kill itself, it may have done so by now.
    if (ended === 'SIGKILL' && mayDie) return;
    if (ended !== undefined)
      throw new Error(`the process ended with ${ended} before it was ready:\n${process.output()}`);
    const answer = await fetch(`${url}${path}`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not ready within ${READY_MS} ms:\n${process.output()}`);
}

function controls(url: string, process: BuiltProcess): SystemProcess {
  return {
    url,
    process,
    kill: async () => {
      process.child.kill('SIGKILL');
      await process.ended;
    },
    terminate: () => {
      process.child.kill('SIGTERM');
      return process.ended;
    },
  };
}

const OUTPUT_TOLD_CHARACTERS = 4_000;

/** Where a test has failed, what the processes had to say is often the only trace of why. */
function tellOutputs(all: readonly SystemProcess[]): void {
  for (const { url, process: one } of all) {
    const said = one.output().slice(-OUTPUT_TOLD_CHARACTERS);
    if (said) process.stderr.write(`--- pid ${one.child.pid} at ${url} said at the end:\n${said}\n`);
  }
}

/** Starts a system. Call `stop` in `afterAll`; several may run on one set of stores. */
export async function startSystem(stores: Stores, options: SystemOptions = {}): Promise<System> {
  const pepper = randomBytes(32);
  const masterKey = options.masterKey ?? randomBytes(32);
  const sandboxPort = await freePort();
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const common: Environment = {
    OCELOTIQ_MODE: 'evaluation',
    LOG_LEVEL: 'warn',
    MONGODB_URI: options.mongoUri ?? stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: options.redisUrl ?? stores.redisUrl,
    REDIS_PREFIX: stores.prefix,
    KEY_PEPPER: pepper.toString('base64'),
    MASTER_KEYS: `1:${masterKey.toString('base64')}`,
    WEBHOOK_ALLOW_LOOPBACK: 'true',
    ...SHORT_TIMERS,
    ...options.env,
  };
  const all: SystemProcess[] = [];
  const apis: SystemProcess[] = [];
  const workers: SystemProcess[] = [];

  async function start(role: string, url: string, env: Environment, path?: string): Promise<SystemProcess> {
    const one = controls(url, startBuilt(role, { ...common, ...env }));
    all.push(one);
    try {
      await waitReady(url, one.process, env.CRASH_POINT !== undefined, path);
    } catch (error) {
      await one.kill();
      throw error;
    }
    return one;
  }

  async function startApi(env: Environment = {}): Promise<SystemProcess> {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const one = await start('api', `http://127.0.0.1:${port}`, {
      API_PORT: String(port),
      API_METRICS_PORT: String(metricsPort),
      ...env,
    });
    apis.push(one);
    return one;
  }

  async function startWorker(env: Environment = {}): Promise<SystemProcess> {
    const port = await freePort();
    const one = await start('workers', `http://127.0.0.1:${port}`, { WORKER_METRICS_PORT: String(port), ...env });
    workers.push(one);
    return one;
  }

  await importCatalogue(CATALOGUE, {
    sandbox: `${sandboxUrl}/v1`,
    second: `${sandboxUrl}/v1`,
    ...options.providers,
  });
  const stop = async () => {
    await Promise.all(all.map((one) => one.kill()));
    if ((globalThis as { hasFailedTest?: boolean }).hasFailedTest) tellOutputs(all);
  };
  try {
    await start('sandbox', sandboxUrl, { SANDBOX_PORT: String(sandboxPort) }, '/health');
    await Promise.all([
      ...Array.from({ length: options.apis ?? 1 }, () => startApi()),
      ...Array.from({ length: options.workers ?? 1 }, () => startWorker()),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  const cipher = createContentCipher(new Map([[1, masterKey]]));

  async function customer({ rub = 1_000, key = {} }: CustomerOptions = {}): Promise<Customer> {
    const accountId = newId('acc');
    await createAccount(accountId);
    const amountMicros = BigInt(Math.round(rub * 1_000_000));
    if (amountMicros > 0n) await creditAccount({ accountId, entryId: `${newId('pay')}`, amountMicros, kind: 'top_up' });
    const issued = await issueKey(
      { accountId, label: 'test', kind: 'test', ...key },
      { pepper, seal: cipher.seal, loopbackAllowed: true },
    );
    const apiOf = (api?: SystemProcess) => {
      const chosen = api ?? apis.at(-1);
      if (!chosen) throw new Error('no api process is running');
      return chosen;
    };
    return {
      accountId,
      keyId: issued.document._id,
      key: issued.key,
      webhookSecret: issued.webhookSecret,
      client: ({ api, maxRetries = 0, headers = {} } = {}) =>
        new OpenAI({ baseURL: `${apiOf(api).url}/v1`, apiKey: issued.key, maxRetries, defaultHeaders: headers }),
      fetch: (path, { api, ...init } = {}) =>
        fetch(`${apiOf(api).url}${path}`, {
          ...init,
          headers: { authorization: `Bearer ${issued.key}`, ...(init.headers as Record<string, string>) },
        }),
    };
  }

  return {
    sandboxUrl,
    apis,
    workers,
    startApi,
    startWorker,
    customer,
    stop,
  };
}
