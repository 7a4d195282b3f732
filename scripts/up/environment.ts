import { join } from 'node:path';
import { type Config, ConfigError, loadConfig } from '../../src/config.ts';
import { SetupError } from '../setup/failure.mjs';
import { ensureSecrets, writePrivate } from './secrets.ts';
import { reachable, type Settings } from './settings.ts';

/** Settings that the scripts (`npm run key`, …) need to reach the installation that runs here. */
const FOR_SCRIPTS = [
  'OCELOTIQ_MODE',
  'MONGODB_URI',
  'MONGODB_DATABASE',
  'KEYS_MONGODB_URI',
  'KEYS_MONGODB_DATABASE',
  'REDIS_URL',
  'REDIS_PREFIX',
  'KEY_PEPPER',
  'MASTER_KEYS',
  'WEBHOOK_ALLOW_LOOPBACK',
  'SANDBOX_URL',
  'DELETION_JOURNAL_DIR',
  'API_HOST',
  'API_PORT',
  'API_METRICS_PORT',
  'WORKER_METRICS_PORT',
  'ADMIN_HOST',
  'ADMIN_PORT',
  'ADMIN_PUBLIC_URL',
];

function isGiven(name: string): boolean {
  return Boolean(process.env[name] || process.env[`${name}_FILE`]);
}

/** What holds for an evaluation unless the caller of `npm start` says otherwise. */
function evaluationDefaults(settings: Settings): Record<string, string> {
  const { host, port } = settings.ports.sandbox;
  return {
    WEBHOOK_ALLOW_LOOPBACK: 'true',
    SANDBOX_URL: `http://${reachable(host)}:${port}/v1`,
    API_DRAIN_NOTICE_MS: '0', // No load balancer has to notice anything.
  };
}

/** The environment of every process of this installation: the caller's own, completed. */
export function childEnvironment(
  settings: Settings,
  engines: { mongoUri: string; redisUrl: string },
): Record<string, string> {
  const defaults: Record<string, string> = {
    NODE_ENV: 'production',
    ...ensureSecrets(settings.dataDir),
    DELETION_JOURNAL_DIR: join(settings.dataDir, 'deletion-journal'),
    ...(settings.production ? {} : evaluationDefaults(settings)),
  };
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value) environment[name] = value;
  for (const [name, value] of Object.entries(defaults)) if (!isGiven(name)) environment[name] = value;
  environment.OCELOTIQ_MODE = settings.production ? 'production' : 'evaluation';
  environment.MONGODB_URI = engines.mongoUri;
  environment.REDIS_URL = engines.redisUrl;
  for (const { setting, port } of Object.values(settings.ports)) environment[setting] = String(port);
  return environment;
}

/** Checks the whole configuration before anything is started with it. Throws `SetupError` with the readable list. */
export function checkConfig(environment: Record<string, string>): Config {
  try {
    return loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) throw new SetupError(error.message);
    throw error;
  }
}

/** Leaves what the scripts need in `.data/runtime.env`, for this user only. */
export function writeRuntimeEnvironment(dataDir: string, environment: Record<string, string>): void {
  const names = [...FOR_SCRIPTS, ...FOR_SCRIPTS.map((name) => `${name}_FILE`)];
  const lines = names.flatMap((name) => (environment[name] ? [`${name}=${environment[name]}`] : []));
  writePrivate(join(dataDir, 'runtime.env'), `${lines.join('\n')}\n`);
}
