import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PriceSnapshot, Usage } from '../../src/models/request.ts';
import { billFor } from '../../src/requests/bill.ts';
import { runs } from '../helpers/property-runs.ts';

/** What a request is charged for whatever its provider reports, against a bill worked out in exact fractions. */

const TOKENS_MAX = 100_000_000;
const count = fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: TOKENS_MAX }), fc.constantFrom(0, 1, TOKENS_MAX));
const noCount = fc.constantFrom<unknown>(
  -1, -0, 0.5, TOKENS_MAX + 1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 1e308, '7', '', null, true, [], {}, 7n,
); // biome-ignore format: a table of values
const rate = fc.oneof(fc.bigInt({ min: 0n, max: 10n }), fc.bigInt({ min: 0n, max: 10n ** 13n }));
const price: fc.Arbitrary<PriceSnapshot> = fc.record({
  priceId: fc.constant('p#1'),
  version: fc.constant(1),
  inputMicrosPerMillion: rate,
  cachedInputMicrosPerMillion: rate,
  cacheWriteMicrosPerMillion: rate,
  outputMicrosPerMillion: rate,
  reasoningMicrosPerMillion: rate,
  requestMicros: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 10n ** 9n })),
});
const holdMicros = fc.oneof(fc.bigInt({ min: 0n, max: 1_000n }), fc.bigInt({ min: 0n, max: 10n ** 18n }));

/** Token classes that share nothing, so that a sound report can be made of them. */
type Classes = { fresh: number; cached: number; write: number; plain: number; reasoning: number };
const third = fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 33_333_333 }));
const classes: fc.Arbitrary<Classes> = fc.record({
  fresh: third,
  cached: third,
  write: third,
  plain: third,
  reasoning: third,
});

const reportOf = (c: Classes, reasoningOutsideCompletion: boolean) => ({
  prompt_tokens: c.fresh + c.cached + c.write,
  completion_tokens: reasoningOutsideCompletion ? c.plain : c.plain + c.reasoning,
  prompt_tokens_details: { cached_tokens: c.cached, cache_write_tokens: c.write },
  completion_tokens_details: { reasoning_tokens: c.reasoning },
});

/** The bill in millionths of a micro-ruble, exactly. */
const exact = (c: Classes, rates: PriceSnapshot): bigint =>
  BigInt(c.fresh) * rates.inputMicrosPerMillion +
  BigInt(c.cached) * rates.cachedInputMicrosPerMillion +
  BigInt(c.write) * rates.cacheWriteMicrosPerMillion +
  BigInt(c.plain) * rates.outputMicrosPerMillion +
  BigInt(c.reasoning) * rates.reasoningMicrosPerMillion +
  rates.requestMicros * 1_000_000n;

/** Up to a whole micro-ruble, then down to what was held. */
function billOf(scaled: bigint, hold: bigint): bigint {
  const whole = scaled % 1_000_000n === 0n ? scaled / 1_000_000n : scaled / 1_000_000n + 1n;
  return whole > hold ? hold : whole;
}

const unasked = () => Promise.reject(new Error('an estimate was asked for although the report is sound'));
const ESTIMATE: Usage = {
  promptTokens: 7,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  completionTokens: 11,
  reasoningTokens: 0,
};
const estimated = async () => ESTIMATE;
const ESTIMATED: Classes = { fresh: 7, cached: 0, write: 0, plain: 11, reasoning: 0 };

test('a sound report is charged to the micro-ruble: exact, rounded up once, never above the hold', async () => {
  await fc.assert(
    fc.asyncProperty(classes, price, holdMicros, fc.boolean(), async (c, rates, hold, reasoningOutsideCompletion) => {
      const report = reportOf(c, reasoningOutsideCompletion);
      const bill = await billFor({ price: rates, holdMicros: hold }, report, { reasoningOutsideCompletion }, unasked);
      const scaled = exact(c, rates);
      expect(bill.costMicros).toBe(billOf(scaled, hold));
      const isAbove = scaled > hold * 1_000_000n;
      expect([bill.usageSource, bill.review]).toEqual(['provider', isAbove ? 'cost_exceeds_hold' : undefined]);
      if (!isAbove) {
        expect(bill.costMicros * 1_000_000n).toBeGreaterThanOrEqual(scaled);
        expect((bill.costMicros - 1n) * 1_000_000n).toBeLessThan(scaled);
      }
      const charged = bill.usage as Usage;
      expect([charged.promptTokens, charged.completionTokens]).toEqual([
        c.fresh + c.cached + c.write,
        c.plain + c.reasoning,
      ]);
    }),
    runs(500),
  );
});

test('P9: one figure that is no count puts the bill on review, and the estimate is charged instead', async () => {
  const place = fc.constantFrom(
    'prompt_tokens',
    'completion_tokens',
    'cached_tokens',
    'cache_write_tokens',
    'reasoning_tokens',
  );
  await fc.assert(
    fc.asyncProperty(classes, price, holdMicros, place, noCount, async (c, rates, hold, name, bad) => {
      const isDetail = name !== 'prompt_tokens' && name !== 'completion_tokens';
      // A detail that is null is one that was not told.
      fc.pre(!(isDetail && bad === null));
      const report = reportOf(c, false);
      const details = name === 'reasoning_tokens' ? report.completion_tokens_details : report.prompt_tokens_details;
      Object.assign(isDetail ? details : report, { [name]: bad });
      const bill = await billFor({ price: rates, holdMicros: hold }, report, {}, estimated);
      expect(bill).toMatchObject({
        usageSource: 'estimated',
        usage: ESTIMATE,
        review: expect.stringMatching(/^usage_/),
      });
      expect(bill.costMicros).toBe(billOf(exact(ESTIMATED, rates), hold));
    }),
    runs(500),
  );
});

test('P2: any report whatever comes to a bill between nothing and the hold', async () => {
  const figure = fc.oneof(count, noCount);
  const report = fc.oneof(
    fc.anything(),
    fc.record(
      {
        prompt_tokens: figure,
        completion_tokens: figure,
        prompt_tokens_details: fc.oneof(
          fc.anything(),
          fc.record({ cached_tokens: figure, cache_write_tokens: figure }),
        ),
        completion_tokens_details: fc.oneof(fc.anything(), fc.record({ reasoning_tokens: figure })),
        prompt_cache_hit_tokens: figure,
      },
      { requiredKeys: [] },
    ),
  );
  await fc.assert(
    fc.asyncProperty(report, price, holdMicros, fc.boolean(), async (raw, rates, hold, reasoningOutsideCompletion) => {
      const bill = await billFor({ price: rates, holdMicros: hold }, raw, { reasoningOutsideCompletion }, estimated);
      expect(bill.costMicros >= 0n && bill.costMicros <= hold).toBe(true);
      for (const tokens of Object.values(bill.usage ?? {}))
        expect(Number.isSafeInteger(tokens) && tokens >= 0 && !Object.is(tokens, -0)).toBe(true);
    }),
    runs(500),
  );
});
