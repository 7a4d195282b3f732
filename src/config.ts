import { z } from 'zod';
import { plainSettings } from './config-settings.ts';
import { flag, integer, mongoUri, name, percent, seconds, secret } from './config-values.ts';
import { CRASH_POINTS } from './crash-point.ts';
import { type Environment, withFiles } from './environment-files.ts';
import { brokenKeepingRules, buildKeeping, KEEPING_VARIABLES } from './keeping-config.ts';
import { isSafeForCookies, publicUrl, words } from './public-url.ts';
import { decodeMasterKeys, decodeSecret } from './secrets.ts';
import { brokenTimerRules } from './timer-rules.ts';

/**
 * The only place that reads the environment. Parsed once into a frozen object whose names carry their units. Any
 * variable may be given as `NAME_FILE`, a path whose content is the value (secrets are files, not environment).
 */

/** A start that must not happen: the list is what an operator has to mend. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const variables = z.object({
  ...KEEPING_VARIABLES,
  OCELOTIQ_MODE: z.enum(['production', 'evaluation']).default('production'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  MONGODB_URI: mongoUri,
  MONGODB_DATABASE: name(38).default('ocelotiq'),
  MONGODB_POOL_MAX: integer(20, 1, 500),
  KEYS_MONGODB_URI: mongoUri.optional(),
  KEYS_MONGODB_DATABASE: name(43).optional(),
  REDIS_URL: z
    .string()
    .regex(/^(rediss?:\/\/|\/[^/])/, 'must start with redis:// or rediss://, or be the path of a socket'),
  REDIS_PREFIX: name(40).default('ocq'),
  KEY_PEPPER: secret,
  MASTER_KEYS: secret,

  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: integer(8080, 0, 65_535),
  API_METRICS_PORT: integer(9464, 0, 65_535),
  API_PUBLIC_URL: z.url().optional(),
  API_BODY_BYTES_MAX: integer(8 * 1024 * 1024, 1_024, 12 * 1024 * 1024),
  API_TRUSTED_PROXIES: z.string().default(''),
  API_HEARTBEAT_MS: integer(10_000, 50, 60_000),
  API_DISCONNECT_GRACE_MS: integer(3_000, 0, 120_000),
  API_READER_BUFFER_BYTES_MAX: integer(1024 * 1024, 16_384, 64 * 1024 * 1024),
  API_DRAIN_MS: integer(90_000, 0, 600_000),
  API_DRAIN_NOTICE_MS: integer(5_000, 0, 60_000),
  API_READS_PER_SECOND_MAX: integer(20, 1, 10_000),
  API_IN_FLIGHT_MAX: integer(5_000, 1, 100_000),
  ADMISSION_SAMPLE_MS: integer(250, 50, 5_000),
  ADMISSION_SYNC_WAIT_PERCENT: percent(0.5),
  ADMISSION_STREAM_WAIT_PERCENT: percent(0.25),
  ADMISSION_ASYNC_WAIT_PERCENT: percent(50),

  WORKER_CONCURRENCY: integer(500, 1, 5_000),
  WORKER_BACKGROUND_CONCURRENCY: integer(100, 1, 5_000),
  WORKER_FETCH_LOOPS: integer(2, 1, 16),
  WORKER_METRICS_PORT: integer(9465, 0, 65_535),
  WORKER_DRAIN_MS: integer(100_000, 0, 600_000),
  STOP_GRACE_MS: integer(130_000, 1_000, 900_000),
  QUEUE_LOCK_MS: integer(15_000, 1_000, 300_000),
  QUEUE_STALLED_MS: integer(5_000, 500, 300_000),
  LEASE_MS: integer(20_000, 1_000, 600_000),
  LEASE_HEARTBEAT_MS: integer(5_000, 100, 120_000),
  SWEEP_INTERVAL_MS: integer(5_000, 100, 60_000),
  SWEEP_ACCEPTED_MS: integer(30_000, 500, 600_000),
  SWEEP_SETTLE_MS: integer(10_000, 200, 600_000),
  OUTBOX_FLUSH_MS: integer(250, 10, 60_000),
  RECONCILE_INTERVAL_MS: integer(30_000, 500, 3_600_000),
  RECONCILE_ROWS_PER_SECOND: integer(10_000, 100, 1_000_000),

  REQUEST_DEADLINE_MS: integer(300_000, 1_000, 3_600_000),
  STREAM_DEADLINE_MS: integer(600_000, 1_000, 3_600_000),
  ASYNC_DEADLINE_MS: integer(1_800_000, 1_000, 86_400_000),
  HOLD_GRACE_MS: integer(60_000, 1_000, 3_600_000),
  OPEN_REQUESTS_MAX: integer(200, 1, 500),
  PROVIDER_CONNECT_MS: integer(5_000, 10, 60_000),
  PROVIDER_FIRST_BYTE_MS: integer(60_000, 10, 600_000),
  PROVIDER_IDLE_MS: integer(45_000, 10, 600_000),
  PROVIDER_BYTES_MAX: integer(8 * 1024 * 1024, 65_536, 12 * 1024 * 1024),
  PROVIDER_CONNECTIONS_MAX: integer(1_000, 1, 10_000),

  RATE_IP_PER_MINUTE: integer(6_000, 1, 10_000_000),
  RATE_BAD_KEYS_PER_MINUTE: integer(20, 1, 100_000),
  RATE_KEY_REQUESTS_PER_MINUTE: integer(600, 1, 10_000_000),
  RATE_KEY_TOKENS_PER_MINUTE: integer(2_000_000, 1, 2_000_000_000),
  RATE_KEY_CONCURRENCY: integer(100, 1, 100_000),

  WEBHOOK_CONNECT_MS: integer(5_000, 10, 60_000),
  WEBHOOK_TOTAL_MS: integer(15_000, 10, 120_000),
  WEBHOOK_CONCURRENCY: integer(200, 1, 1_000),
  WEBHOOK_OVERDUE_MS: integer(30_000, 1_000, 600_000),
  WEBHOOK_ALLOW_LOOPBACK: flag,
  WEBHOOK_RETRY_SECONDS: z
    .string()
    .regex(/^\d+(,\d+){0,19}$/)
    .default('5,300,1800,7200,18000,36000,50400,72000,86400'),
  WEBHOOK_INLINE_BYTES_MAX: integer(256 * 1024, 0, 4 * 1024 * 1024),

  STREAM_TTL_SECONDS: seconds(900),
  CONTENT_RETENTION_DAYS: integer(30, 0, 90),
  IDEMPOTENCY_RETENTION_HOURS: integer(24, 24, 24 * 365),
  PURGE_CRON: z.string().default('17 3 * * *'),
  PURGE_TIMEZONE: z.string().default('Europe/Moscow'),

  OPERATOR_NAME: z.string().max(300).default(''),
  OPERATOR_ADDRESS: z.string().max(500).default(''),
  OPERATOR_INN: z
    .string()
    .regex(/^(\d{10}|\d{12})?$/, 'must be 10 or 12 digits')
    .default(''),
  OPERATOR_EMAIL: z.string().max(254).default(''),
  OPERATOR_EXECUTOR: z.string().max(300).default(''),
  OPERATOR_PROCESSORS: z.string().max(2_000).default(''),

  SANDBOX_HOST: z.string().default('127.0.0.1'),
  SANDBOX_PORT: integer(8090, 0, 65_535),
  SANDBOX_API_KEY: z.string().optional(),
  SANDBOX_URL: z.url().optional(),
  CRASH_POINT: z.enum(CRASH_POINTS).optional(),
  CRASH_PASSAGE: integer(1, 1, 1_000_000),
  ADMIN_HOST: z.string().default('127.0.0.1'),
  ADMIN_PORT: integer(8081, 0, 65_535),
  ADMIN_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  ADMIN_TRUSTED_PROXIES: z.string().default(''),
  ADMIN_SESSION_IDLE_MINUTES: integer(30, 1, 24 * 60),
  ADMIN_SESSION_HOURS: integer(12, 1, 24),
});

type Variables = z.infer<typeof variables>;

const isKnown = (target: string) => Object.hasOwn(variables.shape, target) || target.startsWith('PROVIDER_KEY_');

function build(
  v: Variables,
  secrets: { pepper: Buffer; masterKeys: Map<number, Buffer> },
  providerKeys: Map<string, string>,
) {
  return {
    /** By the names of their variables, for people to look at. */
    settings: plainSettings(variables.shape, v),
    mode: v.OCELOTIQ_MODE,
    logLevel: v.LOG_LEVEL,
    mongo: {
      uri: v.MONGODB_URI,
      database: v.MONGODB_DATABASE,
      poolMax: v.MONGODB_POOL_MAX,
      keys: { uri: v.KEYS_MONGODB_URI, database: v.KEYS_MONGODB_DATABASE },
    },
    redis: { url: v.REDIS_URL, prefix: v.REDIS_PREFIX },
    secrets: { pepper: secrets.pepper, masterKeys: secrets.masterKeys },
    providerKeys,
    api: {
      host: v.API_HOST,
      port: v.API_PORT,
      metricsPort: v.API_METRICS_PORT,
      publicUrl: v.API_PUBLIC_URL ?? `http://${v.API_HOST}:${v.API_PORT}`,
      bodyBytesMax: v.API_BODY_BYTES_MAX,
      trustedProxies: words(v.API_TRUSTED_PROXIES),
      heartbeatMs: v.API_HEARTBEAT_MS,
      disconnectGraceMs: v.API_DISCONNECT_GRACE_MS,
      readerBufferBytesMax: v.API_READER_BUFFER_BYTES_MAX,
      readsPerSecondMax: v.API_READS_PER_SECOND_MAX,
      drainMs: v.API_DRAIN_MS,
      drainNoticeMs: v.API_DRAIN_NOTICE_MS,
    },
    admission: {
      inFlightMax: v.API_IN_FLIGHT_MAX,
      sampleMs: v.ADMISSION_SAMPLE_MS,
      waitMsMax: {
        sync: (v.REQUEST_DEADLINE_MS * v.ADMISSION_SYNC_WAIT_PERCENT) / 100,
        stream: (v.STREAM_DEADLINE_MS * v.ADMISSION_STREAM_WAIT_PERCENT) / 100,
        async: (v.ASYNC_DEADLINE_MS * v.ADMISSION_ASYNC_WAIT_PERCENT) / 100,
      },
    },
    workers: {
      concurrency: v.WORKER_CONCURRENCY,
      backgroundConcurrency: v.WORKER_BACKGROUND_CONCURRENCY,
      fetchLoops: v.WORKER_FETCH_LOOPS,
      metricsPort: v.WORKER_METRICS_PORT,
      drainMs: v.WORKER_DRAIN_MS,
      lockMs: v.QUEUE_LOCK_MS,
      stalledIntervalMs: v.QUEUE_STALLED_MS,
    },
    stopGraceMs: v.STOP_GRACE_MS,
    requests: {
      leaseMs: v.LEASE_MS,
      leaseHeartbeatMs: v.LEASE_HEARTBEAT_MS,
      deadlineMs: { sync: v.REQUEST_DEADLINE_MS, stream: v.STREAM_DEADLINE_MS, async: v.ASYNC_DEADLINE_MS },
      holdGraceMs: v.HOLD_GRACE_MS,
      openMax: v.OPEN_REQUESTS_MAX,
      streamTtlSeconds: v.STREAM_TTL_SECONDS,
    },
    sweep: {
      intervalMs: v.SWEEP_INTERVAL_MS,
      acceptedMs: v.SWEEP_ACCEPTED_MS,
      settleMs: v.SWEEP_SETTLE_MS,
      outboxFlushMs: v.OUTBOX_FLUSH_MS,
      reconcileIntervalMs: v.RECONCILE_INTERVAL_MS,
      reconcileRowsPerSecond: v.RECONCILE_ROWS_PER_SECOND,
    },
    provider: {
      connectTimeoutMs: v.PROVIDER_CONNECT_MS,
      firstByteTimeoutMs: v.PROVIDER_FIRST_BYTE_MS,
      idleTimeoutMs: v.PROVIDER_IDLE_MS,
      bytesMax: v.PROVIDER_BYTES_MAX,
      connectionsMax: v.PROVIDER_CONNECTIONS_MAX,
    },
    rates: {
      ipPerMinute: v.RATE_IP_PER_MINUTE,
      badKeysPerMinute: v.RATE_BAD_KEYS_PER_MINUTE,
      key: {
        requestsPerMinute: v.RATE_KEY_REQUESTS_PER_MINUTE,
        tokensPerMinute: v.RATE_KEY_TOKENS_PER_MINUTE,
        concurrency: v.RATE_KEY_CONCURRENCY,
      },
    },
    webhooks: {
      connectTimeoutMs: v.WEBHOOK_CONNECT_MS,
      totalTimeoutMs: v.WEBHOOK_TOTAL_MS,
      concurrency: v.WEBHOOK_CONCURRENCY,
      allowLoopback: v.WEBHOOK_ALLOW_LOOPBACK,
      retryDelaysMs: v.WEBHOOK_RETRY_SECONDS.split(',').map((text) => Number(text) * 1_000),
      overdueMs: v.WEBHOOK_OVERDUE_MS,
      inlineBytesMax: v.WEBHOOK_INLINE_BYTES_MAX,
    },
    retention: {
      /** By class of the registry; what operators decide goes before them. */
      defaults: {
        'request.content': v.CONTENT_RETENTION_DAYS,
        'request.idempotency': v.IDEMPOTENCY_RETENTION_HOURS / 24,
      },
      purgeCron: v.PURGE_CRON,
      timezone: v.PURGE_TIMEZONE,
    },
    ...buildKeeping(v),
    /** Who answers for the personal data, as the policy and every official paper name them. */
    operator: {
      name: v.OPERATOR_NAME,
      address: v.OPERATOR_ADDRESS,
      inn: v.OPERATOR_INN,
      email: v.OPERATOR_EMAIL,
      executor: v.OPERATOR_EXECUTOR,
      processors: v.OPERATOR_PROCESSORS,
    },
    /** Tests only: where this process kills itself. */
    crash: v.CRASH_POINT === undefined ? undefined : { point: v.CRASH_POINT, passage: v.CRASH_PASSAGE },
    admin: {
      host: v.ADMIN_HOST,
      port: v.ADMIN_PORT,
      publicUrl: publicUrl(v.ADMIN_PUBLIC_URL, v.ADMIN_HOST, v.ADMIN_PORT),
      trustedProxies: words(v.ADMIN_TRUSTED_PROXIES),
      session: { idleMs: v.ADMIN_SESSION_IDLE_MINUTES * 60_000, absoluteMs: v.ADMIN_SESSION_HOURS * 3_600_000 },
    },
    sandbox: { url: v.SANDBOX_URL },
  } as const;
}

export type { Environment };
export type Config = ReturnType<typeof build>;

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Map) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}

function parse(environment: Environment, shape: z.ZodType<unknown>, problems: string[]): unknown {
  const parsed = shape.safeParse(withFiles(environment, isKnown, problems));
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const name = issue.path.join('.');
    problems.push(`${name}: ${environment[name] === undefined ? 'is missing' : issue.message}`);
  }
  return undefined;
}

/**
 * Reads the whole configuration. Throws `ConfigError` with every problem at once.
 * @param environment defaults to the process environment; tests pass an object.
 */
export function loadConfig(environment: Environment = process.env): Config {
  const problems: string[] = [];
  const v = parse(environment, variables, problems) as Variables | undefined;
  if (!v) throw new ConfigError(problems);
  const production = v.OCELOTIQ_MODE === 'production';
  const pepper = decodeSecret('KEY_PEPPER', v.KEY_PEPPER, production, problems);
  const masterKeys = decodeMasterKeys(v.MASTER_KEYS, production, problems);
  problems.push(...brokenTimerRules(v), ...brokenKeepingRules(v));
  if (production && v.WEBHOOK_ALLOW_LOOPBACK) problems.push('WEBHOOK_ALLOW_LOOPBACK: is for evaluation only');
  if (production && !isSafeForCookies(publicUrl(v.ADMIN_PUBLIC_URL, v.ADMIN_HOST, v.ADMIN_PORT)))
    problems.push('ADMIN_PUBLIC_URL: must be https, or this machine');
  if (production && v.CRASH_POINT !== undefined) problems.push('CRASH_POINT: is for tests only');
  if (problems.length > 0) throw new ConfigError(problems);
  const providerKeys = new Map(
    Object.entries(withFiles(environment, isKnown, problems))
      .filter(([name]) => name.startsWith('PROVIDER_KEY_') && !name.endsWith('_FILE'))
      .map(([name, value]) => [name.slice('PROVIDER_KEY_'.length).toLowerCase(), value]),
  );
  return freeze(build(v, { pepper, masterKeys }, providerKeys));
}

const sandboxVariables = variables.pick({ SANDBOX_HOST: true, SANDBOX_PORT: true, SANDBOX_API_KEY: true });

/** The sandbox provider's own settings; it knows nothing of the rest of the product. */
export function loadSandboxConfig(environment: Environment = process.env): {
  host: string;
  port: number;
  apiKey: string | undefined;
} {
  const problems: string[] = [];
  const v = parse(environment, sandboxVariables, problems) as z.infer<typeof sandboxVariables> | undefined;
  if (!v) throw new ConfigError(problems);
  return Object.freeze({ host: v.SANDBOX_HOST, port: v.SANDBOX_PORT, apiKey: v.SANDBOX_API_KEY });
}
