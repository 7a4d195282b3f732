import { trimSpend } from '../billing/spend.ts';
import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import { purgeContent } from '../privacy/retention.ts';
import { done, type Outcome } from '../queue/outcome.ts';
import type { Handlers, JobContext } from '../queue/run-job.ts';
import { runRequest } from '../requests/run.ts';
import type { RunDependencies } from '../requests/run-types.ts';
import type { Deliveries } from '../webhooks/deliver.ts';

export type HandlerDependencies = { config: Config; run: RunDependencies; deliveries: Deliveries; metrics: Metrics };

/** Which work belongs to which job. A job of the catalogue without a handler here does not compile. */
export function createHandlers({ config, run, deliveries, metrics }: HandlerDependencies): Handlers {
  const request = ({ requestId }: { requestId: string }, { signal }: JobContext): Promise<Outcome> =>
    runRequest(requestId, signal, run);
  return {
    runRequest: request,
    runBackgroundRequest: request,
    deliverWebhook: async ({ deliveryId }) => {
      metrics.deliveries.inc({ outcome: await deliveries.attempt(deliveryId) });
      return done;
    },
    purgeContent: async (_payload, { signal, log }) => {
      const report = await purgeContent(
        {
          nowMs: Date.now(),
          contentDays: config.retention.contentDays,
          idempotencyRetentionMs: config.requests.idempotencyRetentionMs,
        },
        signal,
      );
      const counters = await trimSpend(Date.now(), signal);
      log.info({ jobName: 'purge-content', count: report.purged + counters }, 'old content and counters purged');
      return done;
    },
  };
}
