import { join, resolve } from 'node:path';
import { SetupError } from '../setup/failure.mjs';

/** What the supervisor itself reads; everything else goes to the processes and is checked by src/config.ts. */

type Variables = Readonly<Record<string, string | undefined>>;

export type Port = { setting: string; port: number; host: string; purpose: string };

export type Settings = {
  production: boolean;
  dataDir: string;
  mongoUri: string | undefined;
  redisUrl: string | undefined;
  /** Installing a Redis with the system's package manager may be refused: OCELOTIQ_INSTALL=false. */
  allowInstall: boolean;
  ports: Record<PortName, Port>;
};

type PortName = 'api' | 'apiMetrics' | 'workers' | 'admin' | 'sandbox' | 'mongo' | 'redis';

const LOOPBACK = '127.0.0.1';

function readPort(variables: Variables, setting: string, fallback: number): number {
  const text = variables[setting];
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupError(`${setting} is "${text}"; it must be a port number from 1 to 65535.`);
  }
  return port;
}

/** The address on which a process that listens on `host` is reached from this machine. */
export function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return LOOPBACK;
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** Reads the supervisor's settings. Throws `SetupError` naming the one that cannot be used. */
export function readSettings(variables: Variables, root: string): Settings {
  const mongoUri = variables.MONGODB_URI || undefined;
  const redisUrl = variables.REDIS_URL || undefined;
  const production = variables.OCELOTIQ_MODE === 'production';
  if (production && (!mongoUri || !redisUrl)) {
    throw new SetupError(
      'OCELOTIQ_MODE=production needs MONGODB_URI (a replica set) and REDIS_URL: engines started here are for evaluation.\n' +
        'Set both, or leave OCELOTIQ_MODE out to evaluate.',
    );
  }
  const apiHost = variables.API_HOST || LOOPBACK;
  const port = (setting: string, fallback: number, purpose: string, host: string = LOOPBACK): Port => ({
    setting,
    port: readPort(variables, setting, fallback),
    host,
    purpose,
  });
  return {
    production,
    dataDir: resolve(variables.OCELOTIQ_DATA_DIR || join(root, '.data')),
    mongoUri,
    redisUrl,
    allowInstall: variables.OCELOTIQ_INSTALL !== 'false',
    ports: {
      api: port('API_PORT', 8080, 'the API', apiHost),
      apiMetrics: port('API_METRICS_PORT', 9464, 'metrics of the API', apiHost),
      workers: port('WORKER_METRICS_PORT', 9465, 'metrics of the workers', apiHost),
      admin: port('ADMIN_PORT', 8081, 'the back-office', variables.ADMIN_HOST || LOOPBACK),
      sandbox: port('SANDBOX_PORT', 8090, 'the sandbox provider', variables.SANDBOX_HOST || LOOPBACK),
      mongo: port('OCELOTIQ_MONGO_PORT', 27_027, 'the local MongoDB engine'),
      redis: port('OCELOTIQ_REDIS_PORT', 6_390, 'the local Redis'),
    },
  };
}

/** The ports this start will listen on. */
export function portsNeeded(settings: Settings): Port[] {
  const { api, apiMetrics, workers, admin, sandbox, mongo, redis } = settings.ports;
  return [
    api,
    apiMetrics,
    workers,
    admin,
    ...(settings.production ? [] : [sandbox]),
    ...(settings.mongoUri ? [] : [mongo]),
    ...(settings.redisUrl ? [] : [redis]),
  ];
}
