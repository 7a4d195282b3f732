import { expect, test } from '@jest/globals';
import { createHostGate, type HostPass } from '../../src/webhooks/host-gate.ts';

function entered(pass: HostPass): HostPass & { entered: true } {
  if (!pass.entered) throw new Error('was sent away');
  return pass;
}

test('as many as allowed enter, the next waits for one to leave, other hosts do not notice', async () => {
  const gate = createHostGate({ concurrencyMax: 2, lineMax: 5, quickLineMs: 0, waitMs: 10_000 });
  const first = entered(await gate.enter('a'));
  const second = entered(await gate.enter('a'));
  let third: HostPass | undefined;
  const waiting = gate.enter('a').then((pass) => {
    third = pass;
  });
  const other = entered(await gate.enter('b'));
  expect(third).toBeUndefined();
  first.leave();
  first.leave();
  await waiting;
  second.leave();
  other.leave();
  entered(third ?? { entered: false, retryAfterMs: 0 }).leave();
  expect(gate.size()).toBe(0);
});

test('a host of which nothing is known yet is taken for a quick one', async () => {
  const gate = createHostGate({ concurrencyMax: 2, lineMax: 0, quickLineMs: 0, waitMs: 1_000, now: () => 0 });
  await gate.enter('a');
  await gate.enter('a');
  expect(await gate.enter('a')).toEqual({ entered: false, retryAfterMs: 50 });
  expect(await gate.enter('a')).toEqual({ entered: false, retryAfterMs: 100 });
});

test('when a host gets quicker, those sent away after that come back the sooner; one slow call changes little', async () => {
  let nowMs = 0;
  const gate = createHostGate({ concurrencyMax: 2, lineMax: 0, quickLineMs: 0, waitMs: 5, now: () => nowMs });
  // Somebody stays, or the host would be forgotten.
  await gate.enter('a');
  /** What one is told who comes during a call of so many milliseconds. */
  const toldDuring = async (ms: number) => {
    const pass = entered(await gate.enter('a'));
    nowMs += ms;
    const away = await gate.enter('a');
    pass.leave();
    return away.entered ? undefined : away.retryAfterMs;
  };
  const told = [];
  for (const ms of [4_000, 0.4, 100, 500, 0]) told.push(await toldDuring(ms));
  expect(told).toEqual([1, 2_000, 1, 13, 85]);
});

test('who finds the line full or waits too long is sent away, each to a later time, at the pace of the host', async () => {
  let nowMs = 0;
  const gate = createHostGate({ concurrencyMax: 1, lineMax: 1, quickLineMs: 0, waitMs: 5, now: () => nowMs });
  const holder = entered(await gate.enter('a'));
  const next = gate.enter('a');
  nowMs = 4_000;
  holder.leave();
  const second = entered(await next);
  const waiting = gate.enter('a');
  const times = [await gate.enter('a'), await gate.enter('a'), await waiting];
  expect(times).toEqual([4_000, 8_000, 12_000].map((retryAfterMs) => ({ entered: false, retryAfterMs })));
  nowMs = 8_000;
  second.leave();
  expect(gate.size()).toBe(1);
});

test('more may wait for a quick host than for a slow one: as many as it is through with in the time allowed', async () => {
  let nowMs = 0;
  const lineAt = async (callMs: number) => {
    const gate = createHostGate({ concurrencyMax: 2, lineMax: 3, quickLineMs: 100, waitMs: 60_000, now: () => nowMs });
    // Somebody stays, or the host would be forgotten.
    const stays = entered(await gate.enter('a'));
    const pass = entered(await gate.enter('a'));
    nowMs += callMs;
    pass.leave();
    const last = entered(await gate.enter('a'));
    let inLine = 0;
    const turns: Promise<unknown>[] = [];
    for (;;) {
      const before = inLine;
      const turn = gate.enter('a').then((got) => (got.entered ? got.leave() : undefined));
      const isAway = await Promise.race([
        turn.then(() => true),
        new Promise((resolve) => setImmediate(resolve, false)),
      ]);
      if (isAway) break;
      turns.push(turn);
      inLine = before + 1;
    }
    stays.leave();
    last.leave();
    await Promise.all(turns);
    return inLine;
  };
  expect([await lineAt(10), await lineAt(50), await lineAt(1_000)]).toEqual([20, 4, 3]);
});
