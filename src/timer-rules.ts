/** How timers and bounds have to fit together: one that ends too early would undo what another one still protects. */

type Timers = Readonly<
  Record<
    | 'API_DRAIN_MS'
    | 'API_DRAIN_NOTICE_MS'
    | 'API_IN_FLIGHT_MAX'
    | 'HOLD_GRACE_MS'
    | 'LEASE_HEARTBEAT_MS'
    | 'LEASE_MS'
    | 'OPEN_REQUESTS_MAX'
    | 'PROVIDER_CONNECT_MS'
    | 'PROVIDER_FIRST_BYTE_MS'
    | 'PROVIDER_IDLE_MS'
    | 'QUEUE_LOCK_MS'
    | 'QUEUE_STALLED_MS'
    | 'REQUEST_DEADLINE_MS'
    | 'STOP_GRACE_MS'
    | 'STREAM_DEADLINE_MS'
    | 'WEBHOOK_CONNECT_MS'
    | 'WEBHOOK_TOTAL_MS'
    | 'WORKER_DRAIN_MS',
    number
  >
>;

/** The rules that a configuration breaks, as texts for the operator. */
export function brokenTimerRules(v: Timers): string[] {
  const rules: [boolean, string][] = [
    [v.LEASE_HEARTBEAT_MS * 3 <= v.LEASE_MS, 'LEASE_HEARTBEAT_MS x 3 must not exceed LEASE_MS'],
    [v.QUEUE_LOCK_MS < v.LEASE_MS, 'QUEUE_LOCK_MS must be shorter than LEASE_MS'],
    [
      v.LEASE_MS <= v.QUEUE_LOCK_MS + 2 * v.QUEUE_STALLED_MS,
      'LEASE_MS must not exceed QUEUE_LOCK_MS + 2 x QUEUE_STALLED_MS',
    ],
    [v.PROVIDER_CONNECT_MS < v.REQUEST_DEADLINE_MS, 'PROVIDER_CONNECT_MS must be shorter than REQUEST_DEADLINE_MS'],
    [v.PROVIDER_FIRST_BYTE_MS <= v.REQUEST_DEADLINE_MS, 'PROVIDER_FIRST_BYTE_MS must not exceed REQUEST_DEADLINE_MS'],
    [v.PROVIDER_IDLE_MS <= v.STREAM_DEADLINE_MS, 'PROVIDER_IDLE_MS must not exceed STREAM_DEADLINE_MS'],
    [v.LEASE_MS <= v.HOLD_GRACE_MS, 'LEASE_MS must not exceed HOLD_GRACE_MS'],
    [v.WORKER_DRAIN_MS < v.STOP_GRACE_MS, 'WORKER_DRAIN_MS must be shorter than STOP_GRACE_MS'],
    [
      v.API_DRAIN_MS + v.API_DRAIN_NOTICE_MS < v.STOP_GRACE_MS,
      'API_DRAIN_MS + API_DRAIN_NOTICE_MS must be shorter than STOP_GRACE_MS',
    ],
    [v.OPEN_REQUESTS_MAX <= v.API_IN_FLIGHT_MAX, 'API_IN_FLIGHT_MAX must not be smaller than OPEN_REQUESTS_MAX'],
    [v.WEBHOOK_CONNECT_MS <= v.WEBHOOK_TOTAL_MS, 'WEBHOOK_CONNECT_MS must not exceed WEBHOOK_TOTAL_MS'],
  ];
  return rules.filter(([holds]) => !holds).map(([, text]) => text);
}
