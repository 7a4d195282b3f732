import { describe, expect, test } from '@jest/globals';
import { goalRows } from '../../scripts/bench/goals.ts';
import type { Measurement } from '../../scripts/bench/measure.ts';
import { BadOption, parseOptions } from '../../scripts/bench/options.ts';
import { Recording } from '../../scripts/bench/recording.ts';
import { renderReport } from '../../scripts/bench/report.ts';
import { type BenchResults, saturated, stepResult } from '../../scripts/bench/results.ts';
import { FULL, repeatedSteps } from '../../scripts/bench/steps.ts';

/** A step in which every request took `latencyMs`. */
function measurement(step: string, target: string, latencyMs: number, failed = 0): Measurement {
  const recording = new Recording();
  recording.sent = 100 + failed;
  recording.answered = 100;
  for (let index = 0; index < failed; index++) recording.fail('http_500');
  for (let index = 0; index < 100; index++) recording.latencyUs.push(latencyMs * 1_000);
  return {
    step,
    target,
    load: recording.result(1, 0),
    use: {
      seconds: 1,
      cpuSeconds: { api: 0.1, workers: 0.2, redis: 0.05, engine: 0.3 },
      residentMb: { api: 100 },
      busyCores: 1,
      foreignCores: 0,
    },
    polluted: false,
  };
}

/** A step of streams that brought 10 000 chunks a second, each `oneWayMs` under way. */
function streaming(step: string, target: string, oneWayMs: number): Measurement {
  const one = measurement(step, target, oneWayMs);
  const load = { ...one.load, oneWay: one.load.latency, chunksPerSecond: 10_000 };
  return { ...one, load, use: { ...one.use, cpuSeconds: { process: 0.5, redis: 0.1 } } };
}

function results(measurements: Measurement[]): BenchResults {
  return {
    startedAt: new Date(0),
    machine: { cpu: 'cpu', cores: 2, memoryGb: 4, system: 'Linux', node: '20', redis: 'Redis 7', mongo: 'MongoDB 8' },
    settings: ['one setting'],
    measurements,
    sustained: new Map(),
    hotAccount: { updatesPerSecond: 100, holdsPerSecond: 600 },
  };
}

const RATES = [50, 100, 200, 400];
const run = (target: string, latencyMs: number) => RATES.map((rate) => measurement(`rate ${rate}`, target, latencyMs));

describe('the report of the benchmark', () => {
  test('repetitions become medians, and what failed is summed up', () => {
    const all = [1, 9, 2].map((latencyMs) => measurement('rate 50', 'ocelotiq', latencyMs, 2));
    const result = stepResult(results(all), 'rate 50', 'ocelotiq');
    expect(result?.load.latency.p50).toBe(2);
    expect(result?.load.failed).toEqual({ http_500: 6 });
    expect(stepResult(results(all), 'rate 50', 'direct')).toBeUndefined();
  });

  test('a target is judged by the closed loop in which it answers most', () => {
    const busy = (clients: number, perSecond: number) => {
      const one = measurement(`closed ${clients}`, 'ocelotiq', 9);
      return { ...one, load: { ...one.load, answeredPerSecond: perSecond } };
    };
    const all = results([busy(32, 100), busy(128, 300), busy(512, 200), measurement('closed 512', 'portkey', 1)]);
    expect(saturated(all, 'ocelotiq')).toMatchObject({ step: 'closed 128', load: { answeredPerSecond: 300 } });
    expect(saturated(all, 'portkey')?.step).toBe('closed 512');
    expect(saturated(all, 'direct')).toBeUndefined();
    expect(goalRows(all, 'ocelotiq').find(({ id }) => id === 'G4')?.measured).toBe('857');
  });

  test('shows added latency over the direct call and the CPU of each part', () => {
    const text = renderReport(results([...run('direct', 1), ...run('ocelotiq', 4)]));
    expect(text).toContain('| 3.00 / 3.00 / 3.00');
    expect(text).toContain('4.00x');
    expect(text).toMatch(/rate 50 +\| 1\.00 +\| 2\.00 +\| 0\.50 +\| 3\.00 +\| 3\.50/);
    expect(text).toContain('6.00x');
  });

  test('what parts alone take bounds the whole, and stands beside what the peer takes', () => {
    const part = (name: 'database' | 'queue' | 'front', step: string, ms: number) => ({
      part: name,
      step,
      perSecond: 100,
      pathP50Ms: ms,
      pathP99Ms: ms,
      count: 100,
      cpuPerThousand: { process: 0.5, redis: 0.125, engine: 9 },
    });
    const names = ['database', 'queue', 'front'] as const;
    const parts = ['rate 50', 'rate 200', 'closed'].flatMap((step) => names.map((name) => part(name, step, 3)));
    const relay = { measurements: [streaming('streams 50', 'relay', 4)], sustained: undefined };
    const steps = [...run('together', 3), streaming('streams 50', 'together', 5)];
    const together = { measurements: steps, sustained: { perSecond: 0, atLoad: [] } };
    const streams = ['direct', 'portkey'].flatMap((name, index) =>
      ['streams 50', 'streams 500'].map((step) => streaming(step, name, index + 1)),
    );
    const alone = { parts, relay, together };
    const peer = [...run('portkey', 2), measurement('closed 32', 'portkey', 2)];
    const text = renderReport({ ...results([...run('direct', 1), ...run('ocelotiq', 4), ...peer, ...streams]), alone });
    expect(text).toContain('Together they take 1.88 CPU seconds per 1000');
    expect(text).toContain('no arrangement of the rest makes it answer more than 533 requests/s');
    expect(text).toContain('waits 6.00 ms for database and queue alone');
    expect(text).toContain('the peer adds 1.00 ms in all; the parts use 0.38 of');
    expect(text).toMatch(/With 50 streams it adds 3\.00 ms to a chunk \(p50\), the peer 1\.00/);
    expect(text).toContain('| rate 50  | 3.00 / 3.00 / 3.00 | 100');
    expect(text).toContain('| streams 50 |');
    expect(text).toContain('Open loop with p99 < 100 ms: none of the rates that were tried.');
  });

  test('the settle lag that decides is the middle one of the windows at that load', () => {
    const windows = [400, 90, 120].map((p99Ms) => ({
      ...measurement('open 300', 'ocelotiq', 1),
      settleLag: { count: 10, p50Ms: p99Ms / 2, p99Ms },
    }));
    const lagOf = (atLoad: Measurement[]) => {
      const sustained = new Map([['ocelotiq', { perSecond: 0, atLoad }]]);
      return goalRows({ ...results([]), sustained }, 'ocelotiq').find(({ id }) => id === 'G11');
    };
    expect(lagOf(windows)).toMatchObject({ measured: '120', verdict: 'must reached' });
    expect(lagOf([])?.verdict).toBe('not measured');
  });

  test('webhooks count only when every event has come', () => {
    const webhooks = {
      clients: 128,
      deliveredPerSecond: 300,
      delivered: 900,
      accepted: 900,
      lost: 0,
      rounds: 3,
      cpuPerThousand: { api: 1 },
    };
    const verdict = (lost: number) =>
      goalRows({ ...results([]), webhooks: { ...webhooks, lost } }, 'ocelotiq').find(({ id }) => id === 'G12')?.verdict;
    expect([verdict(0), verdict(1)]).toEqual(['must reached', 'not measured']);
    const slow = { ...results([]), webhooks: { ...webhooks, deliveredPerSecond: 100, lost: 0 } };
    expect(goalRows(slow, 'ocelotiq').find(({ id }) => id === 'G12')).toMatchObject({
      verdict: 'missed',
      together: '',
    });
  });

  test('goals that are ratios to a peer are decided only when there is one', () => {
    const own = [...run('direct', 1), ...run('ocelotiq', 4)];
    const verdicts = (rows: ReturnType<typeof goalRows>) =>
      Object.fromEntries(rows.map((row) => [row.id, row.verdict]));
    expect(verdicts(goalRows(results(own), 'ocelotiq'))).toMatchObject({
      G1: 'no peer measured',
      G12: 'not measured',
      G13: 'reached',
    });
    const slower = results([...own, ...run('peer', 5)]);
    expect(verdicts(goalRows(slower, 'ocelotiq', 'peer'))).toMatchObject({ G1: 'reached', G2: 'must reached' });
    const faster = results([...own, ...run('peer', 2)]);
    expect(verdicts(goalRows(faster, 'ocelotiq', 'peer')).G1).toBe('missed');
  });

  test('a goal is bounded where the parts together miss it as well, wherever it is missed', () => {
    const measured = results([...run('direct', 1), ...run('ocelotiq', 4), ...run('peer', 2)]);
    const rowWith = (together: Measurement[]) => {
      const served = (measurements: Measurement[]) => ({ measurements, sustained: undefined });
      const alone = { parts: [], relay: served([]), together: served(together) };
      return goalRows({ ...measured, alone }, 'ocelotiq', 'peer').find(({ id }) => id === 'G1');
    };
    expect(rowWith(run('together', 3))).toMatchObject({ verdict: 'bounded', together: '2.00 / 2.00 / 2.00 / 2.00' });
    expect(rowWith(run('together', 2))?.verdict).toBe('missed');
    const [first, ...slow] = run('together', 3);
    expect(rowWith(slow)?.verdict).toBe('missed');
    expect(rowWith(first ? [first] : [])?.verdict).toBe('missed');
  });

  test('a target that holds none of the rates tried has missed the goal, and one that was not asked has not', () => {
    const g5 = (rates: Record<string, number>) => {
      const sustained = new Map(
        Object.entries(rates).map(([target, perSecond]) => [target, { perSecond, atLoad: [] }]),
      );
      return goalRows({ ...results([]), sustained }, 'ocelotiq', 'peer').find(({ id }) => id === 'G5')?.verdict;
    };
    expect(g5({ peer: 100 })).toBe('not measured');
    expect(g5({ peer: 100, ocelotiq: 0 })).toBe('missed');
    expect(g5({ peer: 100, ocelotiq: 130 })).toBe('must reached');
  });
});

test('closed loops and the fewest streams, which decide by less than windows differ, get more of them than other steps', () => {
  const counts = new Map<string, number>();
  for (const { id } of repeatedSteps(FULL, 1)) counts.set(id, (counts.get(id) ?? 0) + 1);
  const of = ['closed 128', 'rate 100', 'streams 50', 'streams 200'].map((id) => counts.get(id));
  expect(of).toEqual([3, 1, 6, 1]);
});

describe('options of the benchmark', () => {
  test('are understood, with bounds', () => {
    const { effort, accounts, parts } = parseOptions([
      '--quick',
      '--rates',
      '10,20',
      '--accounts',
      '3',
      '--only',
      'hot',
    ]);
    expect(effort).toMatchObject({ rates: [10, 20], repetitions: 1 });
    expect(accounts).toBe(3);
    expect([...parts]).toEqual(['hot']);
  });

  test.each([
    [['--rates', '0']],
    [['--streams', 'many']],
    [['--only', 'all,latency']],
    [['--reps', '1000']],
    [['--fast']],
  ])('%j is refused', (words) => {
    expect(() => parseOptions(words)).toThrow(BadOption);
  });
});
