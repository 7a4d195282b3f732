import { expect } from '@jest/globals';
import { freePort } from '../../scripts/engines/free-port.ts';
import { eventually } from './eventually.ts';
import type { Environment, System, SystemProcess } from './system.ts';

/** Production's patience, for tests in which no lease or deadline may be what ends a stream on a busy machine. */
export const PATIENT_TIMERS: Environment = {
  STREAM_DEADLINE_MS: '150000',
  PROVIDER_IDLE_MS: '100000',
  PROVIDER_FIRST_BYTE_MS: '20000',
  LEASE_MS: '20000',
  LEASE_HEARTBEAT_MS: '2000',
  QUEUE_LOCK_MS: '15000',
  QUEUE_STALLED_MS: '5000',
  SWEEP_ACCEPTED_MS: '10000',
  HOLD_GRACE_MS: '60000',
};

/** An api process whose metrics a test can read. */
export type MeasuredApi = SystemProcess & { metric(name: string): Promise<number> };

export async function startMeasuredApi(system: System, env: Environment = {}): Promise<MeasuredApi> {
  const port = await freePort();
  const api = await system.startApi({ API_METRICS_PORT: String(port), ...env });
  return { ...api, metric: (name) => metricAt(`http://127.0.0.1:${port}`, name) };
}

/** The value of a metric without labels. Throws when there is no such metric. */
export async function metricAt(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no metric ${name}`);
  return Number(value);
}

/** Nobody is counted as waiting any more: every answer was closed and every follower let go. */
export async function expectNoOpenStreams(apis: readonly MeasuredApi[], timeoutMs = 10_000): Promise<void> {
  await eventually(
    async () => {
      const open = await Promise.all(apis.map((api) => api.metric('ocelotiq_open_streams')));
      expect(open).toEqual(apis.map(() => 0));
    },
    { timeoutMs },
  );
}
