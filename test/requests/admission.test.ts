import { afterEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/errors.ts';
import { createLogger } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { type Backlog, PLACES } from '../../src/queue/backlog.ts';
import { type Admission, createAdmission, type Ticket } from '../../src/requests/admission.ts';
import { eventually } from '../helpers/eventually.ts';

const SAMPLE_MS = 5;
const SETTINGS = { inFlightMax: 100, sampleMs: SAMPLE_MS, waitMsMax: { sync: 1_000, stream: 500, async: 60_000 } };

let open: Admission[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});

/** An admission over a queue of this length, from which one job is started with every sample; and a clock of its own. */
function desk(settings: Partial<typeof SETTINGS> = {}) {
  const queue = { ahead: PLACES.map(() => 0), perSample: 1, fails: false };
  const lines: string[] = [];
  let clockMs = 0;
  let started = 0;
  let samples = 0;
  const read = async (): Promise<Backlog> => {
    if (queue.fails) throw new Error('away');
    samples++;
    // Both queues are read in turn; the clock says a quarter of a second for each pair.
    if (samples % 2 === 1) {
      clockMs += 250;
      started += queue.perSample;
    }
    return { ahead: queue.ahead, started };
  };
  const metrics = createMetrics();
  const log = createLogger({ role: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } });
  const admission = createAdmission({
    backlog: { read },
    settings: { ...SETTINGS, ...settings },
    metrics,
    log,
    now: () => clockMs,
  });
  open.push(admission);
  const sampled = async (more: number) => {
    const until = samples + 2 * more;
    await eventually(() => expect(samples).toBeGreaterThanOrEqual(until), { intervalMs: SAMPLE_MS });
  };
  const backlog = async (length: number, perSample: number) => {
    queue.ahead = PLACES.map(() => length);
    queue.perSample = perSample;
    await sampled(20);
  };
  return {
    admission,
    metrics,
    queue,
    lines,
    sampled,
    backlog,
    pass: (ms: number) => {
      clockMs += ms;
    },
  };
}

const call = (mode: 'sync' | 'stream' | 'async' = 'sync', accountId = 'acc') => ({ accountId, mode });

async function refusal(entry: Promise<Ticket>): Promise<AppError> {
  const error = await entry.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

describe('admission', () => {
  test('an idle system lets everybody in', async () => {
    const { admission, sampled } = desk();
    await admission.admit(call());
    await sampled(3);
    expect(admission.refusalOfAll()).toBeUndefined();
    await admission.admit(call());
  });

  test('refuses what would wait longer than its mode allows, with a time to come again', async () => {
    const { admission, backlog, metrics } = desk();
    await backlog(80, 25);
    await admission.admit(call('sync'));
    await refusal(admission.admit(call('stream')));
    expect(admission.refusalOfAll()).toBeUndefined();
    await backlog(3_000, 25);
    const error = await refusal(admission.admit(call('sync')));
    expect(error).toMatchObject({ code: 'overloaded', status: 503, retryable: true });
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(25_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(45_000);
    expect(admission.refusalOfAll()).toMatchObject({ code: 'overloaded' });
    await admission.admit(call('async'));
    expect((await metrics.refused.get()).values).toEqual([{ labels: { reason: 'queue_wait' }, value: 3 }]);
  });

  test('a flood is refused by its own place in the queue, and nobody else by it', async () => {
    const { admission, queue, sampled } = desk();
    queue.ahead = PLACES.map((most) => (most < 32 ? 0 : 400));
    queue.perSample = 25;
    for (let count = 0; count < 40; count++) await admission.admit(call('sync', 'flood'));
    await sampled(20);
    const error = await refusal(admission.admit(call('sync', 'flood')));
    expect(error).toMatchObject({ code: 'too_many_open_requests', status: 429, retryable: true });
    await admission.admit(call('sync', 'quiet'));
  });

  test('an account is placed by what it has open everywhere, as far as that was told', async () => {
    const { admission, queue, sampled } = desk();
    queue.ahead = PLACES.map((most) => (most < 32 ? 0 : 400));
    queue.perSample = 25;
    const ticket = await admission.admit(call('sync', 'elsewhere'));
    ticket.accepted(40);
    await sampled(20);
    expect(await refusal(admission.admit(call('sync', 'elsewhere')))).toMatchObject({ status: 429 });
    ticket.left();
    await admission.admit(call('sync', 'elsewhere'));
  });

  test('a repeat of an accepted request is let in, a first request under a key is not', async () => {
    const { admission, backlog } = desk();
    await backlog(3_000, 25);
    await admission.admit(call(), async () => true);
    await refusal(admission.admit(call(), async () => false));
    await expect(admission.admit(call(), () => Promise.reject(new Error('not this body')))).rejects.toThrow('not this');
  });

  test('bounds what is in flight, and has room again when a client leaves', async () => {
    const { admission, metrics } = desk({ inFlightMax: 2 });
    const first = await admission.admit(call());
    await admission.admit(call('async'));
    expect(await refusal(admission.admit(call(), async () => true))).toMatchObject({ code: 'overloaded' });
    expect(admission.refusalOfAll()).toMatchObject({ code: 'overloaded' });
    first.accepted();
    expect((await metrics.inFlight.get()).values[0]?.value).toBe(2);
    first.left();
    first.left();
    expect((await metrics.inFlight.get()).values[0]?.value).toBe(1);
    await admission.admit(call());
  });

  test('refuses nobody for waiting while Redis does not answer', async () => {
    const { admission, backlog, queue, pass } = desk();
    await backlog(3_000, 25);
    await refusal(admission.admit(call()));
    queue.fails = true;
    pass(3_000);
    await admission.admit(call());
    expect(admission.refusalOfAll()).toBeUndefined();
  });

  test('says twice, not a thousand times, that requests were refused', async () => {
    const { admission, backlog, lines, sampled } = desk();
    await backlog(3_000, 25);
    for (let count = 0; count < 1_000; count++) await refusal(admission.admit(call()));
    expect(lines).toHaveLength(1);
    await backlog(0, 25);
    await sampled(50);
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ count: 1_000, msg: 'requests are no longer refused' });
  });
});
