import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { RANGES, type TrafficFacts } from '../../src/admin/panel/traffic-facts.ts';
import { connectMongo, disconnectMongo, migrate } from '../../src/models/connect.ts';
import { startProduct } from '../bench/product-process.ts';
import { median, type Summary, summarize } from '../bench/statistics.ts';
import { freePort } from '../engines/free-port.ts';
import { startMongo } from '../engines/mongo.ts';
import { startRedis } from '../engines/redis.ts';
import type { MeasurementContext } from '../run-measurement.ts';
import { type Plan, plansOf } from './explain.ts';
import { overviewPath, type Page, PER_PAGE, pagesToMeasure } from './pages.ts';
import { isFilled, type Samples, takeSamples } from './samples.ts';
import { countAll, seedPanel } from './seed.ts';

export type PanelOptions = {
  requests: number;
  repetitions: number;
  mongoUri: string | undefined;
  /** One that stays, and is filled when it is empty. */
  database: string | undefined;
};
export type Measured = Omit<Page, 'list'> & { ms: Summary; plans: Plan[] };
export type PanelFigures = {
  engine: string;
  requests: number;
  pages: Measured[];
  /** The machine's load (processes that run or want to) while the pages were asked for. */
  load: number;
};

const POOL_MAX = 10;
/** The first answers fill caches of the database and of the process, which is running all day. */
const WARM_UP = 2;
const ANSWER_MS_MAX = 30_000;
const RANKED_MS_MAX = 180_000;
const RANKED_LOOK_MS = 500;

/** A filled database, the built back-office, and its pages asked for one after the other by a signed-in member. */
export async function runPanel(options: PanelOptions, context: MeasurementContext): Promise<PanelFigures> {
  const { note, defer, dataDir } = context;
  const log = (line: string) => note(`engines: ${line}`);
  const redis = await startRedis({ dataDir: join(dataDir, 'redis'), log, allowInstall: true });
  defer(() => redis.stop());
  // Only reading is measured, so what is written need not survive the machine.
  const engine = { dataDir: join(dataDir, 'mongo'), isDurable: false, log, onProgress: note };
  const mongo = await startMongo({ uri: options.mongoUri, ...engine });
  defer(() => mongo.stop());
  const database = options.database ?? `ocelotiq_bench_${randomBytes(6).toString('hex')}`;
  await connectMongo({ uri: watchable(mongo.uri), database, poolMax: POOL_MAX });
  defer(disconnectMongo);
  if (options.database === undefined) defer(() => mongoose.connection.dropDatabase());
  await migrate();
  if (!(await isFilled())) {
    note(`filling the database with ${options.requests} requests`);
    await seedPanel(options.requests, context);
  }
  note('counting them');
  await countAll(context);
  const samples = await takeSamples();
  const url = await startBackOffice({ mongoUri: mongo.uri, database, redisUrl: redis.url }, context);
  note('waiting until accounts are ranked, which no page waits for');
  await untilRanked(url, samples, context);
  note(`asking for each page ${options.repetitions} times`);
  const pages: Measured[] = [];
  const loads: number[] = [];
  for (const page of pagesToMeasure(samples)) {
    pages.push(await measure(page, { url, samples, options, context }));
    loads.push(loadavg()[0] ?? Number.NaN);
  }
  return { engine: mongo.version, requests: samples.requests, pages, load: median(loads) };
}

function watchable(uri: string): string {
  return `${uri}${uri.includes('?') ? '&' : '/?'}monitorCommands=true`;
}

async function startBackOffice(
  stores: { mongoUri: string; database: string; redisUrl: string },
  { root, dataDir, defer, signal }: MeasurementContext,
): Promise<string> {
  const port = await freePort();
  const secret = () => randomBytes(32).toString('base64');
  const env = {
    NODE_ENV: 'production',
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    KEY_PEPPER: secret(),
    MASTER_KEYS: `1:${secret()}`,
    ADMIN_PORT: String(port),
  };
  const admin = startProduct({ root, role: 'admin', env, logFile: join(dataDir, 'admin.log') });
  defer(() => admin.stop());
  const url = `http://127.0.0.1:${port}`;
  await admin.ready(`${url}/readyz`, signal);
  return url;
}

async function ask(url: string, { session }: Samples): Promise<string> {
  const answer = await fetch(url, {
    headers: { cookie: `ocelotiq_staff=${session}`, 'sec-fetch-site': 'same-origin' },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text.slice(0, 300)}`);
  return text;
}

/** An office that was opened some minutes ago has its rankings; they are made while the overview is shown without. */
async function untilRanked(url: string, samples: Samples, { signal }: MeasurementContext): Promise<void> {
  const startedMs = performance.now();
  for (const range of Object.keys(RANGES)) {
    for (;;) {
      const { traffic } = JSON.parse(await ask(`${url}${overviewPath(range)}`, samples)) as { traffic: TrafficFacts };
      if (traffic.accounts) break;
      if (performance.now() - startedMs > RANKED_MS_MAX) throw new Error(`accounts are not ranked over a ${range}`);
      await delay(RANKED_LOOK_MS, undefined, { signal });
    }
  }
}

type Desk = { url: string; samples: Samples; options: PanelOptions; context: MeasurementContext };

async function measure({ list, ...page }: Page, { url, samples, options, context }: Desk): Promise<Measured> {
  const times: number[] = [];
  for (let turn = 0; turn < WARM_UP + options.repetitions; turn++) {
    context.signal.throwIfAborted();
    const startedMs = performance.now();
    await ask(`${url}${page.path}`, samples);
    if (turn >= WARM_UP) times.push(performance.now() - startedMs);
  }
  const ms = summarize(times);
  const plans = list ? await plansOf(list, PER_PAGE) : [];
  const used = plans.map(({ query, index, examined }) => `${query}: ${index ?? 'NO INDEX'}, ${examined ?? '?'} read`);
  context.note(`  ${ms.p50.toFixed(0)} / ${ms.p95.toFixed(0)} ms  ${page.name}  ${used.join('; ')}`);
  return { ...page, ms, plans };
}
