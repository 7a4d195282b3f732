/**
 * Runs a whole Ocelotiq on this machine: engines, migration, api, workers, sandbox provider, back-office. Started by
 * `npm start`; stopped by Ctrl-C or SIGTERM. Everything it keeps is in `.data/` (or OCELOTIQ_DATA_DIR).
 */
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLifecycle, type Lifecycle } from '../src/lifecycle.ts';
import { createLogger } from '../src/log.ts';
import { type MongoEngine, startMongo } from './engines/mongo.ts';
import { type RedisEngine, startRedis } from './engines/redis.ts';
import { fail, SetupError } from './setup/failure.mjs';
import { tryLock } from './setup/lock.mjs';
import { createProgress } from './setup/progress.mjs';
import { describeDemo, describePlaces } from './up/banner.ts';
import { ensureDemo } from './up/demo.ts';
import { checkConfig, childEnvironment, writeRuntimeEnvironment } from './up/environment.ts';
import { createLogFile } from './up/log-file.ts';
import { checkPorts } from './up/ports.ts';
import { type Context, startMigration, startProcesses, waitUntilReady } from './up/processes.ts';
import { portsNeeded, readSettings, type Settings } from './up/settings.ts';
import { listenForStop, Stopped, type StopSignal } from './up/stop-signal.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const FREE_BYTES_MIN = 300_000_000;
/** What a killed supervisor left behind has this long to end by itself. */
const LEFTOVER_MS = 15_000;
const ENGINE_STOP_MS = 30_000;
const CHILD_STOP_EXTRA_MS = 5_000;
const STOPPING = 'Stopping: running requests are finished first; Ctrl-C again ends at once';

const progress = createProgress();

/** Takes the data folder for this process alone. Gives how patient to be with ports of a killed predecessor. */
function takeDataDir(dataDir: string, lifecycle: Lifecycle): number {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = statfsSync(dataDir);
  if (bavail * bsize < FREE_BYTES_MIN) {
    const freeMb = Math.round((bavail * bsize) / 1e6);
    throw new SetupError(
      `Only ${freeMb} MB are free on the disk of ${dataDir}; ${FREE_BYTES_MIN / 1e6} MB are needed.\n` +
        'Free some space, or put the data elsewhere with OCELOTIQ_DATA_DIR=<folder>.',
    );
  }
  const lock = tryLock(join(dataDir, 'lock'));
  if (lock.release === undefined) {
    throw new SetupError(
      `Ocelotiq already runs on ${dataDir} (process ${lock.heldByPid}).\n` +
        `Stop it with Ctrl-C in its terminal or: kill ${lock.heldByPid}\n` +
        'A second one needs a folder and ports of its own: OCELOTIQ_DATA_DIR, API_PORT and so on (docs/configuration.md).',
    );
  }
  lifecycle.defer('lock', lock.release);
  return lock.leftover ? LEFTOVER_MS : 0;
}

/** Starts an engine so that it is stopped again even when the stop is asked for while it is still starting. */
async function startEngine<T extends { stop(): Promise<void> }>(
  name: string,
  starting: Promise<T>,
  lifecycle: Lifecycle,
  stop: StopSignal,
): Promise<T> {
  const stopLater = starting.then(
    (engine) => () => engine.stop(),
    () => () => undefined,
  );
  lifecycle.defer(name, async () => (await stopLater)(), ENGINE_STOP_MS);
  try {
    return await stop.during(starting);
  } catch (error) {
    if (error instanceof Stopped) throw error;
    throw new SetupError(error instanceof Error ? error.message : String(error));
  }
}

type Engines = { mongo: MongoEngine; redis: RedisEngine };

async function startEngines(
  settings: Settings,
  lifecycle: Lifecycle,
  stop: StopSignal,
  giveUp: (reason: string) => void,
): Promise<Engines> {
  const log = createLogFile(join(settings.dataDir, 'logs', 'engines.log'), () => {});
  const write = (line: string) => log.write(`${new Date().toISOString()} ${line}`);
  const onGiveUp = (error: Error) => giveUp(error.message);
  const redis = await progress.step('Starting Redis', (note) =>
    startEngine(
      'redis',
      startRedis({
        url: settings.redisUrl,
        dataDir: join(settings.dataDir, 'redis'),
        port: settings.ports.redis.port,
        allowInstall: settings.allowInstall,
        log: (line) => {
          write(line);
          note(line);
        },
        onGiveUp,
      }),
      lifecycle,
      stop,
    ),
  );
  progress.line(`  ${redis.version} (${redis.engine}${redis.pid ? `, process ${redis.pid}` : ''})`);
  const mongo = await progress.step('Starting MongoDB', (note) =>
    startEngine(
      'mongo',
      startMongo({
        uri: settings.mongoUri,
        dataDir: join(settings.dataDir, 'mongo'),
        port: settings.ports.mongo.port,
        log: write,
        onProgress: note,
        onGiveUp,
      }),
      lifecycle,
      stop,
    ),
  );
  progress.line(`  ${mongo.version} (${mongo.engine}${mongo.pid ? `, process ${mongo.pid}` : ''})`);
  return { mongo, redis };
}

async function migrate(context: Context, lifecycle: Lifecycle, stop: StopSignal): Promise<void> {
  await progress.step('Preparing collections, indexes and the catalogue of models', async () => {
    const child = startMigration(context);
    lifecycle.defer('migrate', () => child.stop(ENGINE_STOP_MS), ENGINE_STOP_MS);
    await stop.during(child.finished());
  });
}

async function startProduct(
  context: Context,
  lifecycle: Lifecycle,
  stop: StopSignal,
  stopGraceMs: number,
  giveUp: (reason: string) => void,
): Promise<void> {
  await progress.step('Starting api, workers and the rest', async (note) => {
    const children = startProcesses(context);
    // All at once: api and workers drain each other's last requests.
    const stopAll = () => Promise.all(children.map((child) => child.stop(stopGraceMs)));
    lifecycle.defer('processes', stopAll, stopGraceMs + CHILD_STOP_EXTRA_MS);
    await stop.during(waitUntilReady(children, note));
    for (const child of children) child.keepAlive(giveUp);
  });
}

function provisionalEngines(settings: Settings): { mongoUri: string; redisUrl: string } {
  const { mongo, redis } = settings.ports;
  return {
    mongoUri: settings.mongoUri ?? `mongodb://127.0.0.1:${mongo.port}`,
    redisUrl: settings.redisUrl ?? `redis://127.0.0.1:${redis.port}`,
  };
}

/** From nothing to running; throws `SetupError` with what to do, or `Stopped`. */
async function start(lifecycle: Lifecycle, stop: StopSignal, giveUp: (reason: string) => void): Promise<void> {
  const settings = readSettings(process.env, ROOT);
  const patienceMs = takeDataDir(settings.dataDir, lifecycle);
  // Everything that can be refused is refused before the first process is started.
  checkConfig(childEnvironment(settings, provisionalEngines(settings)));
  await stop.during(checkPorts(portsNeeded(settings), patienceMs));

  const { mongo, redis } = await startEngines(settings, lifecycle, stop, giveUp);
  const environment = childEnvironment(settings, { mongoUri: mongo.uri, redisUrl: redis.socketPath ?? redis.url });
  const config = checkConfig(environment);
  const context: Context = { root: ROOT, settings, environment, show: (line) => progress.line(line) };
  await migrate(context, lifecycle, stop);
  writeRuntimeEnvironment(settings.dataDir, environment);
  lifecycle.defer('runtime.env', () => rmSync(join(settings.dataDir, 'runtime.env'), { force: true }));
  await startProduct(context, lifecycle, stop, config.stopGraceMs, giveUp);
  // The key is made last: one that was made and not shown would be lost.
  const demo = settings.production ? undefined : await stop.during(ensureDemo(config));

  progress.line(`\nOcelotiq is running (${settings.production ? 'production' : 'evaluation'}).\n`);
  progress.line(describePlaces(settings, { mongo: mongo.version, redis: redis.version }));
  if (demo) progress.line(`\n${describeDemo(settings, demo)}`);
  else progress.line(`\nKeys and accounts: npm run account -- create, npm run key -- issue --account <id>`);
  progress.line('\nStop with Ctrl-C.');
}

/** Runs until it is told to stop; gives the exit code. */
async function main(): Promise<number> {
  const lifecycle = createLifecycle(createLogger({ role: 'supervisor', level: 'warn' }));
  let giveUp: (reason: string) => void = () => {};
  const hopeless = new Promise<string>((resolve) => {
    giveUp = resolve;
  });
  const stop = listenForStop(() => {
    progress.line('Not waiting any longer.');
    // Every process is on a leash and every engine on a guard: they end when this process does.
    process.exit(1);
  });
  let running = false;
  let failure: unknown;
  try {
    await start(lifecycle, stop, giveUp);
    running = true;
    const reason = await Promise.race([hopeless, stop.requested.then(() => undefined)]);
    if (reason !== undefined) throw new SetupError(`Stopping: ${reason}`);
  } catch (error) {
    if (!(error instanceof Stopped)) failure = error;
  }
  if (running) await progress.step(`\n${STOPPING}`, () => lifecycle.close());
  else await lifecycle.close();
  if (failure !== undefined) fail(failure);
  return 0;
}

process.exit(await main());
