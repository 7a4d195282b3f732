import type { DataClass, QueueStore, RedisStore, Store } from './data-class.ts';
import { CONTRACT, days, SECURITY } from './norms.ts';
import { ROW_CLASSES } from './row-classes.ts';

/**
 * The registry of personal data: one row per class. Retention, export, erasure and the policy's table read it, and a
 * test fails when a collection, a Redis key, a job's payload or a log member is not in it.
 */

const REDIS_CLASSES: readonly DataClass<RedisStore>[] = [
  {
    id: 'relay',
    category: { en: 'answers on their way to the client', ru: 'ответы в процессе передачи' },
    purpose: 'streaming, and resuming a stream; sealed under a key that goes when the request ends',
    legalBasis: CONTRACT,
    retention: days(0.01, 0, 1, 'the last event', 'a client comes back within minutes'),
    store: { kind: 'redis', families: ['log', 'reply', 'control', 'wake', 'keys'], secondsMax: 86_400 },
  },
  {
    id: 'rate_limit',
    category: { en: 'counters by address and key', ru: 'счётчики по адресу и ключу' },
    purpose: 'protection against abuse',
    legalBasis: SECURITY,
    retention: days(0.001, 0, 1, 'the last call', 'a window is a minute; a slot lives as long as its request'),
    store: { kind: 'redis', families: ['rate', 'requests', 'slots', 'tokens'], secondsMax: 86_400 },
  },
];

const QUEUE_CLASS: DataClass<QueueStore> = {
  id: 'queue',
  category: { en: 'identifiers in queues', ru: 'идентификаторы в очередях' },
  purpose: 'running the request; the row it names holds the data',
  legalBasis: CONTRACT,
  retention: days(0, 0, 1, 'the end of the job', 'a job leaves nothing behind'),
  store: { kind: 'queue', payload: ['requestId', 'requestIds', 'deliveryId', 'privacyRequestId', 'day'] },
};

const LOG_CLASS: DataClass = {
  id: 'log',
  category: { en: 'technical logs', ru: 'технические журналы' },
  purpose: 'stability and security of the service',
  legalBasis: SECURITY,
  retention: days(
    90,
    30,
    180,
    'the event',
    'stability; files end by day and go by age, standard output is up to whoever collects it',
  ),
  store: { kind: 'log', members: ['requestId', 'accountId', 'keyId', 'deliveryId', 'jobId', 'address'] },
};

/** Log members that say something about the machinery and nothing about a person. */
export const TECHNICAL_LOG_MEMBERS: readonly string[] = [
  'jobName', 'queue', 'attempt', 'state', 'reason', 'code', 'status', 'method', 'route', 'model', 'provider', 'routeId', 'mode', 'ms',
  'count', 'bytes', 'signal', 'port', 'closer', 'deadlineMs', 'err', 'level', 'time', 'pid', 'role', 'instance', 'msg', 'engine',
  'version', 'schedule', 'event', 'seq', 'differenceMicros',
]; // biome-ignore format: a table of names

/** Redis keys that count jobs and processes and name nobody. */
export const TECHNICAL_REDIS_FAMILIES: readonly string[] = ['q', 'started', 'health', 'rates'];

/** Collections without a person in them, and why. */
export const IMPERSONAL_COLLECTIONS: Readonly<Record<string, string>> = {
  models: 'the catalogue',
  providers: 'the catalogue',
  prices: 'the catalogue',
  provider_keys: 'sealed keys by which upstreams know us; names who changed one',
  rollups: 'sums over an hour, by model and by provider',
  rollup_walks: 'how far all workers together have counted; ids of requests that run, for as long as they do',
  policy_versions: 'published texts; names who published them',
  consent_documents: 'published texts; names who published them',
  reconciliation_walks: 'how far all workers together are',
  production_calendars: 'working days; names who entered a year',
  retention_runs: 'counts of what was purged; names who started a run by hand',
  restores: 'when this database was restored from a backup',
  retention_classes: 'settings of this registry; names the member of staff who changed one',
};

/** Every class of personal data there is. */
export const REGISTRY: readonly DataClass<Store>[] = [...ROW_CLASSES, ...REDIS_CLASSES, QUEUE_CLASS, LOG_CLASS];
