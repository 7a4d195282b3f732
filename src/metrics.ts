import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of the product in one table. Labels are closed sets (states, codes, routes), never ids or content. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
  return {
    registry,
    httpRequests: new Counter({
      name: 'ocelotiq_http_requests_total',
      help: 'Answered HTTP requests',
      labelNames: ['route', 'status'],
      registers,
    }),
    requests: new Counter({
      name: 'ocelotiq_requests_total',
      help: 'Requests that reached a terminal state',
      labelNames: ['mode', 'state'],
      registers,
    }),
    addedLatency: new Histogram({
      name: 'ocelotiq_added_latency_seconds',
      help: 'Time from acceptance to the call of the provider',
      buckets: secondsBuckets,
      registers,
    }),
    settleLag: new Histogram({
      name: 'ocelotiq_settle_lag_seconds',
      help: 'Time from usage known to balance debited',
      buckets: secondsBuckets,
      registers,
    }),
    providerErrors: new Counter({
      name: 'ocelotiq_provider_errors_total',
      help: 'Failed provider calls',
      labelNames: ['provider', 'outcome'],
      registers,
    }),
    orphanCalls: new Counter({
      name: 'ocelotiq_orphan_provider_calls_total',
      help: 'Provider calls whose request was decided by another worker',
      registers,
    }),
    reviews: new Counter({
      name: 'ocelotiq_billing_reviews_total',
      help: 'Bills that a person should look at',
      registers,
    }),
    openStreams: new Gauge({
      name: 'ocelotiq_open_streams',
      help: 'Clients that wait for or read an answer',
      registers,
    }),
    inFlight: new Gauge({
      name: 'ocelotiq_requests_in_flight',
      help: 'Requests this process accepts or answers now',
      registers,
    }),
    estimatedWait: new Gauge({
      name: 'ocelotiq_estimated_wait_seconds',
      help: 'How long a request of an account with few open ones would wait in the queue; 0 when nobody can say',
      labelNames: ['queue'],
      registers,
    }),
    refused: new Counter({
      name: 'ocelotiq_admission_refused_total',
      help: 'Requests refused before anything was written',
      labelNames: ['reason'],
      registers,
    }),
    broughtForward: new Counter({
      name: 'ocelotiq_queue_brought_forward_total',
      help: 'Requests that were overtaken for long and put in the line of those without a priority',
      registers,
    }),
    running: new Gauge({ name: 'ocelotiq_running_requests', help: 'Requests this worker is running', registers }),
    queueDepth: new Gauge({
      name: 'ocelotiq_queue_depth',
      help: 'Jobs by queue and state',
      labelNames: ['queue', 'state'],
      registers,
    }),
    queueAge: new Gauge({
      name: 'ocelotiq_queue_age_seconds',
      help: 'Age of the oldest waiting job',
      labelNames: ['queue'],
      registers,
    }),
    holdsOpen: new Gauge({ name: 'ocelotiq_holds_open', help: 'Holds over all accounts', registers }),
    holdOldest: new Gauge({ name: 'ocelotiq_hold_oldest_seconds', help: 'Age of the oldest open hold', registers }),
    outboxOldest: new Gauge({
      name: 'ocelotiq_outbox_oldest_seconds',
      help: 'Age of the oldest entry not yet in the ledger',
      registers,
    }),
    reconcileDifference: new Gauge({
      name: 'ocelotiq_reconcile_difference_micros',
      help: 'Sum of absolute balance differences that are not resolved',
      registers,
    }),
    reconcileWrong: new Gauge({
      name: 'ocelotiq_reconcile_wrong_accounts',
      help: 'Accounts with an unresolved reconciliation alert',
      registers,
    }),
    reconcileBalance: new Gauge({
      name: 'ocelotiq_reconcile_balance_micros',
      help: 'Sum of all balances in the last pass over the accounts',
      registers,
    }),
    reconcileBooks: new Gauge({
      name: 'ocelotiq_reconcile_books_micros',
      help: 'Sum of what ledgers and outboxes say those balances are',
      registers,
    }),
    reconcileAccountsPass: new Gauge({
      name: 'ocelotiq_reconcile_accounts_pass_seconds',
      help: 'Duration of the last pass over the accounts',
      registers,
    }),
    reconcileRowsPass: new Gauge({
      name: 'ocelotiq_reconcile_rows_pass_seconds',
      help: 'Duration of the last pass over all ledger rows',
      registers,
    }),
    reconcileRows: new Gauge({
      name: 'ocelotiq_reconcile_rows',
      help: 'Ledger rows re-verified in the last pass',
      registers,
    }),
    reconcileRowRate: new Gauge({
      name: 'ocelotiq_reconcile_rows_per_second',
      help: 'Rows per second of that pass while at work',
      registers,
    }),
    unsettledOverdue: new Gauge({
      name: 'ocelotiq_unsettled_overdue_requests',
      help: 'Requests that ended over a minute ago and are not settled',
      registers,
    }),
    unsettled: new Gauge({
      name: 'ocelotiq_unsettled_requests',
      help: 'Requests that are not settled; holds cannot be more for long',
      registers,
    }),
    chargesWrong: new Gauge({
      name: 'ocelotiq_charges_wrong',
      help: 'Requests and charges of the last hour that do not match each other',
      registers,
    }),
    orphanRequests: new Gauge({
      name: 'ocelotiq_interrupted_uncharged_requests',
      help: 'Requests of the last hour whose provider call has an unknown end and was not charged',
      registers,
    }),
    jobs: new Counter({
      name: 'ocelotiq_jobs_total',
      help: 'Finished job runs',
      labelNames: ['job', 'outcome'],
      registers,
    }),
    deliveries: new Counter({
      name: 'ocelotiq_webhook_deliveries_total',
      help: 'Webhook delivery attempts',
      labelNames: ['outcome'],
      registers,
    }),
    retentionRemoved: new Counter({
      name: 'ocelotiq_retention_removed_total',
      help: 'Rows whose term was over, by class of personal data',
      labelNames: ['class'],
      registers,
    }),
    retentionRuns: new Counter({
      name: 'ocelotiq_retention_runs_total',
      help: 'Runs of the retention by how they ended',
      labelNames: ['state'],
      registers,
    }),
    retentionLastRun: new Gauge({
      name: 'ocelotiq_retention_last_run_timestamp_seconds',
      help: 'When this process last ran the retention',
      registers,
    }),
    breakerOpen: new Gauge({
      name: 'ocelotiq_breaker_open',
      help: '1 while the route is not tried',
      labelNames: ['route'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

const READ_TIMEOUT_MS = 5_000;

/**
 * A small server beside the public one: `/metrics`, `/healthz` (the process lives) and `/readyz` (it can work).
 * @param ready resolves to whether dependencies answer; a throw counts as no.
 */
export function startMetricsServer(options: {
  host: string;
  port: number;
  metrics: Metrics;
  ready: () => Promise<boolean>;
}): Promise<{ port: number; close(): Promise<void> }> {
  const { metrics, ready } = options;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz') response.end('ok');
    else if (path === '/readyz') {
      const isReady = await ready().catch(() => false);
      response.statusCode = isReady ? 200 : 503;
      response.end(isReady ? 'ready' : 'not ready');
    } else if (path === '/metrics') {
      response.setHeader('content-type', metrics.registry.contentType);
      response.end(await metrics.registry.metrics());
    } else {
      response.statusCode = 404;
      response.end();
    }
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.requestTimeout = READ_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : options.port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
