import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { costOf, holdFor, outputTokensWithin, readUsage } from '../../src/billing/pricing.ts';
import type { PriceRates } from '../../src/models/ai-model.ts';
import type { Usage } from '../../src/models/request.ts';
import { maxMicros } from '../../src/money.ts';
import { runs } from '../helpers/property-runs.ts';

const RUNS = runs(2_000);
const rate = fc.bigInt({ min: 0n, max: 100_000_000_000n });
const price: fc.Arbitrary<PriceRates> = fc.record({
  inputMicrosPerMillion: rate,
  cachedInputMicrosPerMillion: rate,
  cacheWriteMicrosPerMillion: rate,
  outputMicrosPerMillion: rate,
  reasoningMicrosPerMillion: rate,
  requestMicros: fc.bigInt({ min: 0n, max: 10_000_000n }),
});
const tokens = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 50_000_000 }));

/** Usage by disjoint classes, so that its parts always add up. */
type Classes = { fresh: number; cached: number; write: number; output: number; reasoning: number };
const classes: fc.Arbitrary<Classes> = fc.record({
  fresh: tokens,
  cached: tokens,
  write: tokens,
  output: tokens,
  reasoning: tokens,
});
const usageOf = (c: Classes): Usage => ({
  promptTokens: c.fresh + c.cached + c.write,
  cachedTokens: c.cached,
  cacheWriteTokens: c.write,
  completionTokens: c.output + c.reasoning,
  reasoningTokens: c.reasoning,
});
const wild: fc.Arbitrary<Usage> = fc.record({
  promptTokens: tokens,
  cachedTokens: tokens,
  cacheWriteTokens: tokens,
  completionTokens: tokens,
  reasoningTokens: tokens,
});

test('P2: a cost is never negative and never above the hold for its bounds, however its parts contradict each other', () => {
  fc.assert(
    fc.property(wild, price, tokens, tokens, (usage, rates, moreInput, moreOutput) => {
      const cost = costOf(usage, rates);
      expect(cost).toBeGreaterThanOrEqual(0n);
      const bounds = {
        inputTokens: usage.promptTokens + moreInput,
        outputTokens: usage.completionTokens + moreOutput,
      };
      expect(cost).toBeLessThanOrEqual(holdFor(bounds, rates));
    }),
    RUNS,
  );
});

test('P4: one more token of any class never makes a request cheaper', () => {
  fc.assert(
    fc.property(
      classes,
      price,
      fc.constantFrom<keyof Classes>('fresh', 'cached', 'write', 'output', 'reasoning'),
      (c, rates, name) => {
        expect(costOf(usageOf({ ...c, [name]: c[name] + 1 }), rates)).toBeGreaterThanOrEqual(costOf(usageOf(c), rates));
      },
    ),
    RUNS,
  );
});

test('P5: splitting a request costs at most one micro-ruble more: rounding happens once, upwards', () => {
  fc.assert(
    fc.property(classes, classes, price, (a, b, rates) => {
      const free = { ...rates, requestMicros: 0n };
      const sum = Object.fromEntries(
        Object.entries(a).map(([name, count]) => [name, count + b[name as keyof Classes]]),
      );
      const whole = costOf(usageOf(sum as Classes), free);
      const split = costOf(usageOf(a), free) + costOf(usageOf(b), free);
      expect(split).toBeGreaterThanOrEqual(whole);
      expect(split).toBeLessThanOrEqual(whole + 1n);
    }),
    RUNS,
  );
});

test('P6: every token is charged in exactly one class', () => {
  const one = 1_000_000n;
  const none: PriceRates = {
    inputMicrosPerMillion: 0n,
    cachedInputMicrosPerMillion: 0n,
    cacheWriteMicrosPerMillion: 0n,
    outputMicrosPerMillion: 0n,
    reasoningMicrosPerMillion: 0n,
    requestMicros: 0n,
  };
  fc.assert(
    fc.property(wild, (usage) => {
      const charged = (name: keyof PriceRates) => costOf(usage, { ...none, [name]: one });
      const input =
        charged('inputMicrosPerMillion') +
        charged('cachedInputMicrosPerMillion') +
        charged('cacheWriteMicrosPerMillion');
      expect(input).toBe(BigInt(usage.promptTokens));
      expect(charged('outputMicrosPerMillion') + charged('reasoningMicrosPerMillion')).toBe(
        BigInt(usage.completionTokens),
      );
      for (const name of Object.keys(none) as (keyof PriceRates)[]) expect(charged(name)).toBeGreaterThanOrEqual(0n);
    }),
    RUNS,
  );
});

test('a known bill comes out to the micro-ruble', () => {
  const rates: PriceRates = {
    inputMicrosPerMillion: 100_000_000n,
    cachedInputMicrosPerMillion: 50_000_000n,
    cacheWriteMicrosPerMillion: 125_000_000n,
    outputMicrosPerMillion: 400_000_000n,
    reasoningMicrosPerMillion: 500_000_000n,
    requestMicros: 7n,
  };
  const usage = usageOf({ fresh: 3, cached: 1, write: 1, output: 2, reasoning: 1 });
  expect(costOf(usage, rates)).toBe(300n + 50n + 125n + 800n + 500n + 7n);
  expect(
    costOf(usageOf({ fresh: 1, cached: 0, write: 0, output: 0, reasoning: 0 }), {
      ...rates,
      inputMicrosPerMillion: 1n,
    }),
  ).toBe(8n);
});

test('the output that fits a budget fits it, and one token more would not', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), tokens, price, (budget, inputTokens, rates) => {
      const outputTokens = outputTokensWithin(budget, inputTokens, rates);
      expect(Number.isSafeInteger(outputTokens) && outputTokens >= 0).toBe(true);
      if (outputTokens === 0) return;
      expect(holdFor({ inputTokens, outputTokens }, rates)).toBeLessThanOrEqual(budget);
      const dearest = maxMicros(rates.outputMicrosPerMillion, rates.reasoningMicrosPerMillion);
      // Two roundings lie between the budget and the answer, so the bound may be missed by what one micro-ruble buys.
      if (outputTokens < 100_000_000 && dearest > 0n)
        expect(
          holdFor({ inputTokens, outputTokens: outputTokens + 1 + Number(1_000_000n / dearest) }, rates),
        ).toBeGreaterThanOrEqual(budget);
    }),
    RUNS,
  );
});

describe('a usage report', () => {
  const sound = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 };

  test('is taken as it is when it is sound, with explicit zeros as zeros', () => {
    expect(readUsage(sound)).toEqual({
      ok: true,
      usage: { promptTokens: 10, completionTokens: 4, cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
    });
    expect(readUsage({ prompt_tokens: 0, completion_tokens: 0 })).toMatchObject({
      ok: true,
      usage: { promptTokens: 0 },
    });
    const details = {
      prompt_tokens_details: { cached_tokens: 6, cache_write_tokens: 4, audio_tokens: null },
      completion_tokens_details: { reasoning_tokens: 4 },
    };
    expect(readUsage({ ...sound, ...details })).toMatchObject({
      ok: true,
      usage: { cachedTokens: 6, cacheWriteTokens: 4, reasoningTokens: 4 },
    });
    expect(readUsage({ ...sound, prompt_tokens_details: null })).toMatchObject({ ok: true });
    expect(readUsage({ ...sound, prompt_cache_hit_tokens: 5 })).toMatchObject({ ok: true, usage: { cachedTokens: 5 } });
  });

  test('with reasoning counted outside the completion gets it added, once', () => {
    const report = { ...sound, completion_tokens_details: { reasoning_tokens: 7 } };
    expect(readUsage(report).ok).toBe(false);
    expect(readUsage(report, { reasoningOutsideCompletion: true })).toMatchObject({
      usage: { completionTokens: 11, reasoningTokens: 7 },
    });
  });

  const BAD = [
    -1,
    -0,
    -0.5,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    100_000_001,
    '7',
    null,
    undefined,
    true,
    [1],
    {},
    7n,
  ];
  test.each(BAD.map((value) => [inspect(value), typeof value, value]))(
    'with a count of %s (%s) goes to review',
    (_text, _type, value) => {
      for (const name of ['prompt_tokens', 'completion_tokens'])
        expect(readUsage({ ...sound, [name]: value })).toEqual({
          ok: false,
          reason: expect.stringMatching(/^usage_.*_unusable$/),
        });
      if (value === null || value === undefined) return;
      expect(readUsage({ ...sound, prompt_tokens_details: { cached_tokens: value } }).ok).toBe(false);
    },
  );

  test('whose parts are larger than their whole, or which is no object, goes to review', () => {
    const tooMuch = { cached_tokens: 6, cache_write_tokens: 5 };
    expect(readUsage({ ...sound, prompt_tokens_details: tooMuch }).ok).toBe(false);
    expect(readUsage({ ...sound, completion_tokens_details: { reasoning_tokens: 5 } }).ok).toBe(false);
    for (const raw of [null, undefined, [], 'text', 5]) expect(readUsage(raw).ok).toBe(false);
  });

  test('of any shape either gives counts a bill may rest on, or none', () => {
    fc.assert(
      fc.property(
        fc.object({
          key: fc.constantFrom('prompt_tokens', 'completion_tokens', 'prompt_tokens_details', 'cached_tokens'),
        }),
        (raw) => {
          const reading = readUsage(raw);
          if (reading.ok)
            for (const count of Object.values(reading.usage))
              expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        },
      ),
    );
  });
});
