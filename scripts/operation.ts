import { createAuditLog } from '../src/audit/append.ts';
import { publishKeyChange } from '../src/auth/keys.ts';
import { createAccountWriter } from '../src/billing/account.ts';
import type { Config } from '../src/config.ts';
import { newId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import type { OperationResult } from '../src/operations/define.ts';
import { type Command, createPerform } from '../src/operations/perform.ts';
import { createContentCipher } from '../src/privacy/content-key.ts';
import { createDeletionJournal } from '../src/privacy/deletion-journal.ts';
import { createEmailIndex } from '../src/privacy/email-index.ts';
import { type FailedJobs, openFailedJobs } from '../src/queue/failed-jobs.ts';
import { createRedis, redisReady } from '../src/redis.ts';
import { createProviderKeyStore } from '../src/requests/provider-keys.ts';
import { createRequestWriter } from '../src/requests/writer.ts';
import { sendCancel } from '../src/stream/control.ts';

const REDIS_TIMEOUT_MS = 2_000;

/** Carries out a command of the back-office for whoever runs a script, and writes it into the audit log. */
export async function performByScript(
  { config, log }: { config: Config; log: Logger },
  command: Command,
  by?: string,
): Promise<OperationResult> {
  const { prefix } = config.redis;
  const redis = createRedis(config.redis.url, 'commands', log);
  const ready = async () => redisReady(redis, REDIS_TIMEOUT_MS);
  const atQueues = async <T>(act: (jobs: FailedJobs) => Promise<T>): Promise<T> => {
    await ready();
    const jobs = openFailedJobs(redis, prefix);
    try {
      return await act(jobs);
    } finally {
      await jobs.close();
    }
  };
  const perform = createPerform(createAuditLog(config.secrets.pepper), {
    publishKey: async (keyId) => {
      await ready();
      await publishKeyChange(redis, prefix, keyId);
    },
    operator: config.operator,
    policy: { operator: config.operator, retentionDefaults: config.retention.defaults },
    purge: { journal: createDeletionJournal(config.backup.journalFolder), log },
    cancel: {
      accounts: createAccountWriter(),
      writer: createRequestWriter({ worker: newId('api'), leaseMs: config.requests.leaseMs }),
      sendCancel: async (requestId) => {
        await ready();
        await sendCancel(redis, prefix, requestId);
      },
    },
    cipher: createContentCipher(config.secrets.masterKeys),
    emailIndex: createEmailIndex(config.secrets.masterKeys),
    providerKeys: createProviderKeyStore(config.secrets.masterKeys),
    failedJobs: {
      retry: (queue, id) => atQueues((jobs) => jobs.retry(queue, id)),
      retryAll: (queue) => atQueues((jobs) => jobs.retryAll(queue)),
      drain: (queue) => atQueues((jobs) => jobs.drain(queue)),
    },
  });
  try {
    return await perform({ kind: 'script', ...(by === undefined ? {} : { by }) }, command);
  } finally {
    redis.disconnect();
  }
}
