import type { Roles } from './process-use.ts';
import type { WorkloadName } from './seed.ts';

/** Something that load is put on. A peer to compare with is one more of these. */
export type Target = {
  name: string;
  baseUrl: string;
  /** One set per client account. */
  headers: readonly Readonly<Record<string, string>>[];
  /** What it calls each workload. */
  models: Readonly<Record<WorkloadName, string>>;
  /** Its processes by role. */
  pids: Roles;
  /** Where its workers tell their metrics. */
  metricsUrls?: readonly string[];
};
