import { trimSpend } from '../billing/spend.ts';
import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import { buildArchive } from '../privacy/archives.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import type { DeletionJournal } from '../privacy/deletion-journal.ts';
import { runRetention } from '../privacy/retention.ts';
import { JobFailure } from '../queue/job-failure.ts';
import { done } from '../queue/outcome.ts';
import type { Handlers } from '../queue/run-job.ts';
import { runRequest } from '../requests/run.ts';
import { runTogether } from '../requests/run-together.ts';
import type { RunDependencies } from '../requests/run-types.ts';
import { trimRollups } from '../rollups/roll-up.ts';
import type { Deliveries } from '../webhooks/deliver.ts';

export type HandlerDependencies = {
  config: Config;
  run: RunDependencies;
  deliveries: Deliveries;
  journal: DeletionJournal;
  cipher: Pick<ContentCipher, 'seal' | 'open'>;
  metrics: Metrics;
};

/** Which work belongs to which job. A job of the catalogue without a handler here does not compile. */
export function createHandlers(deps: HandlerDependencies): Handlers {
  const { config, run, deliveries, journal, cipher, metrics } = deps;
  const runOne = (requestId: string, stop: AbortController) => runRequest(requestId, stop, run);
  return {
    runRequest: ({ requestId }, { stop }) => runOne(requestId, stop),
    runRequests: ({ requestIds }, context) => runTogether(requestIds, context, runOne),
    runBackgroundRequest: ({ requestId }, { stop }) => runOne(requestId, stop),
    deliverWebhook: async ({ deliveryId }) => {
      metrics.deliveries.inc({ outcome: await deliveries.attempt(deliveryId) });
      return done;
    },
    buildAccessArchive: async ({ privacyRequestId }, { stop: { signal } }) => {
      const sources = { operator: config.operator, retentionDefaults: config.retention.defaults };
      await buildArchive(privacyRequestId, { sources, cipher, signal, now: Date.now });
      return done;
    },
    purgeContent: async (_payload, { stop: { signal }, log }) => {
      const { defaults } = config.retention;
      const asked = { nowMs: Date.now(), trigger: 'schedule', by: 'schedule' } as const;
      const run = await runRetention({ ...asked, defaults, signal, journal, log });
      for (const { classId, removed } of run.classes) metrics.retentionRemoved.inc({ class: classId }, removed);
      metrics.retentionRuns.inc({ state: run.state });
      metrics.retentionLastRun.setToCurrentTime();
      const counters = (await trimSpend(Date.now(), signal)) + (await trimRollups(Date.now()));
      const count = run.classes.reduce((sum, { removed }) => sum + removed, counters);
      log.info({ jobName: 'purge-content', state: run.state, count }, 'old content and counters purged');
      // The queue tries again what failed; a setting that was refused waits for a person.
      if (run.classes.some(({ outcome }) => outcome === 'failed')) throw new JobFailure('retention_failed');
      return done;
    },
  };
}
