import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { costOf } from '../../src/billing/pricing.ts';
import type { PriceDocument, PriceRates } from '../../src/models/ai-model.ts';
import { formatRub } from '../../src/money.ts';
import { signedRubles } from '../../src/operations/money.ts';
import { priceInForce } from '../../src/requests/catalogue.ts';
import { runs } from '../helpers/property-runs.ts';

/**
 * Where one price ends and the next begins, what a person types against what is moved, and the order in which a bill is made.
 * The product has no tiers by volume, one currency, and no discounts: these are the boundaries, conversions and orders it has.
 */

const rate = fc.bigInt({ min: 0n, max: 10n ** 12n });
const rates: fc.Arbitrary<PriceRates> = fc.record({
  inputMicrosPerMillion: rate,
  cachedInputMicrosPerMillion: rate,
  cacheWriteMicrosPerMillion: rate,
  outputMicrosPerMillion: rate,
  reasoningMicrosPerMillion: rate,
  requestMicros: fc.bigInt({ min: 0n, max: 10n ** 9n }),
});

test('P7: a version of a price holds from its very millisecond on, and the one before it until then', () => {
  const beginnings = fc.uniqueArray(fc.integer({ min: 2, max: 2 ** 31 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(beginnings, rates, fc.func(fc.nat()), (moments, price, place) => {
      const versions = moments
        .sort((a, b) => a - b)
        .map((ms, index): PriceDocument => {
          const version = index + 1;
          return { ...price, _id: `m#${version}`, modelId: 'm', version, validFrom: new Date(ms) };
        });
      const others = versions.map((one) => ({ ...one, modelId: 'other', version: one.version + 100 }));
      // The database gives them in any order.
      const stored = [...versions, ...others].sort((a, b) => place(a._id, a.modelId) - place(b._id, b.modelId));
      const at = (ms: number) => priceInForce(stored, 'm', new Date(ms))?.version;
      versions.forEach(({ version, validFrom }) => {
        const beginsMs = validFrom.getTime();
        expect([at(beginsMs - 1), at(beginsMs)]).toEqual([version === 1 ? undefined : version - 1, version]);
        const endsMs = versions[version]?.validFrom.getTime();
        if (endsMs !== beginsMs + 1) expect(at(beginsMs + 1)).toBe(version);
      });
    }),
    runs(300),
  );
});

test('P8: rubles that a person types are what is moved, sign and last digit included; what cannot be moved exactly is refused', () => {
  const micros = fc.bigInt({ min: 1n, max: 10n ** 18n - 1n });
  const sign = fc.constantFrom('', '-', '−');
  const finer = fc.stringMatching(/^\d{0,3}[1-9]$/);
  fc.assert(
    fc.property(micros, sign, fc.boolean(), finer, (amount, minus, hasComma, more) => {
      const plain = formatRub(amount);
      const typed = `${minus}${hasComma ? plain.replace('.', ',') : plain}`;
      expect(signedRubles.parse(typed)).toBe(minus === '' ? amount : -amount);
      const [whole, fraction = ''] = plain.split('.');
      expect(signedRubles.safeParse(`${minus}${whole}.${fraction.padEnd(6, '0')}${more}`).success).toBe(false);
    }),
    runs(500),
  );
});

test('P14: a bill is the exact sum of its classes in whatever order, rounded up once, and the fee of the request after that', () => {
  const tokens = fc.nat({ max: 20_000_000 });
  const classes = fc.record({ fresh: tokens, cached: tokens, write: tokens, plain: tokens, reasoning: tokens });
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
  fc.assert(
    fc.property(classes, rates, order, (c, price, places) => {
      const usage = {
        promptTokens: c.fresh + c.cached + c.write,
        cachedTokens: c.cached,
        cacheWriteTokens: c.write,
        completionTokens: c.plain + c.reasoning,
        reasoningTokens: c.reasoning,
      };
      const parts = [
        [c.fresh, price.inputMicrosPerMillion],
        [c.cached, price.cachedInputMicrosPerMillion],
        [c.write, price.cacheWriteMicrosPerMillion],
        [c.plain, price.outputMicrosPerMillion],
        [c.reasoning, price.reasoningMicrosPerMillion],
      ] as const;
      const scaled = places.reduce((sum, place) => {
        const [count, perMillion] = parts[place] as (typeof parts)[number];
        return sum + BigInt(count) * perMillion;
      }, 0n);
      const whole = scaled / 1_000_000n + (scaled % 1_000_000n > 0n ? 1n : 0n);
      expect(costOf(usage, price)).toBe(whole + price.requestMicros);
    }),
    runs(500),
  );
});
