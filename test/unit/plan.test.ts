import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { costOf } from '../../src/billing/pricing.ts';
import type { AiModelDocument } from '../../src/models/ai-model.ts';
import type { PriceSnapshot } from '../../src/models/request.ts';
import { type ChatShape, inputTokensBound, outputTokensLimit } from '../../src/requests/estimate.ts';
import { planChat } from '../../src/requests/plan.ts';
import { runs } from '../helpers/property-runs.ts';

const MODEL: AiModelDocument = {
  _id: 'test/model',
  name: 'Model',
  ownedBy: 'test',
  createdAt: new Date(0),
  enabled: true,
  contextTokensMax: 100_000,
  outputTokensMax: 8_000,
  outputTokensDefault: 1_000,
  mediaPartTokensMax: 2_000,
  routes: [],
};
const PRICE: PriceSnapshot = {
  priceId: 'test/model#1',
  version: 1,
  inputMicrosPerMillion: 100_000_000n,
  cachedInputMicrosPerMillion: 50_000_000n,
  cacheWriteMicrosPerMillion: 125_000_000n,
  outputMicrosPerMillion: 400_000_000n,
  reasoningMicrosPerMillion: 500_000_000n,
  requestMicros: 3n,
};
const CATALOGUED = { model: MODEL, price: PRICE, routes: [] };

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', 'Привет, мир', '😀😀😀', '\n\n\n\n', '\u0000\u0001\u0002', '𝔘𝔫𝔦', '<|endoftext|>', '\ud800'),
);
const schema = fc.jsonValue({ maxDepth: 5 });
const body: fc.Arbitrary<ChatShape> = fc.record(
  {
    messages: fc.array(fc.record({ role: fc.constantFrom('user', 'system', 'assistant'), content: text }), {
      minLength: 1,
      maxLength: 5,
    }),
    tools: fc.array(
      fc.record({ type: fc.constant('function'), function: fc.record({ name: text, parameters: schema }) }),
      {
        maxLength: 4,
      },
    ),
    response_format: fc.record({ type: fc.constant('json_schema'), json_schema: schema }),
    max_tokens: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 10_000_000 })),
    max_completion_tokens: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 10_000_000 })),
    n: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 16 })),
  },
  { requiredKeys: ['messages'] },
);

/** What a template makes of it at least: the texts of messages, and everything else as JSON. */
function tokensOf({ messages, tools, response_format }: ChatShape): number {
  const parts = (messages as { role: string; content: string }[]).map(({ role, content }) => `${role}\n${content}`);
  for (const part of [tools, response_format]) if (part !== undefined) parts.push(JSON.stringify(part));
  return parts.reduce((sum, part) => sum + countTokens(part, { disallowedSpecial: new Set() }), 0);
}

test('the input bound is never below what a real tokenizer counts, structure of tools and schemas included', () => {
  fc.assert(
    fc.property(body, (shape) => {
      expect(inputTokensBound(shape, MODEL)).toBeGreaterThanOrEqual(tokensOf(shape));
    }),
    runs(1_000),
  );
});

describe('the input bound', () => {
  const user = (content: unknown): ChatShape => ({ messages: [{ role: 'user', content }] });

  test('counts the bare structure of a tool schema, which is text to the model too', () => {
    const parameters = { enum: new Array(500).fill([null, {}, []]) };
    const shape = { ...user('x'), tools: [{ type: 'function', function: { name: 'f', parameters } }] };
    expect(inputTokensBound(shape, MODEL)).toBeGreaterThanOrEqual(countTokens(JSON.stringify(shape.tools)));
  });

  test('does not take a tool property called "file" for an attached file', () => {
    const parameters = { properties: { file: { description: 'x'.repeat(10_000) } } };
    const shape = { ...user('x'), tools: [{ type: 'function', function: { name: 'f', parameters } }] };
    expect(inputTokensBound(shape, MODEL)).toBeGreaterThan(10_000);
  });

  test('takes a picture as the bound of the model, not as its base64', () => {
    const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(50_000)}` } };
    const tokens = inputTokensBound(user([picture]), MODEL);
    expect(tokens).toBeGreaterThanOrEqual(MODEL.mediaPartTokensMax);
    expect(tokens).toBeLessThan(MODEL.mediaPartTokensMax + 300);
  });

  test('never exceeds the context of the model: more cannot be billed', () => {
    expect(inputTokensBound(user('x'.repeat(1_000_000)), MODEL)).toBe(MODEL.contextTokensMax);
  });
});

test('the output limit is the asked one within the model, and the bounded default when none is asked', () => {
  const limit = (shape: Partial<ChatShape>) => outputTokensLimit({ messages: [], ...shape }, MODEL);
  expect(limit({})).toBe(1_000);
  expect(limit({ max_tokens: null, max_completion_tokens: null })).toBe(1_000);
  expect(limit({ max_tokens: 5 })).toBe(5);
  expect(limit({ max_completion_tokens: 7, max_tokens: 5 })).toBe(7);
  expect(limit({ max_tokens: 9_000 })).toBe(8_000);
});

test('P3: the hold covers any usage within the limits, for any request', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(body, share, share, share, share, share, (shape, prompt, cached, write, completion, reasoning) => {
      const plan = planChat(shape, CATALOGUED, {});
      const promptTokens = Math.floor(plan.inputTokensBound * prompt);
      const completionTokens = Math.floor(plan.outputTokensMax * plan.choices * completion);
      const cachedTokens = Math.floor(promptTokens * cached);
      const usage = {
        promptTokens,
        cachedTokens,
        cacheWriteTokens: Math.floor((promptTokens - cachedTokens) * write),
        completionTokens,
        reasoningTokens: Math.floor(completionTokens * reasoning),
      };
      expect(costOf(usage, PRICE)).toBeLessThanOrEqual(plan.holdMicros);
      const dearest = { promptTokens: plan.inputTokensBound, cachedTokens: 0, cacheWriteTokens: plan.inputTokensBound };
      const all = plan.outputTokensMax * plan.choices;
      expect(costOf({ ...dearest, completionTokens: all, reasoningTokens: all }, PRICE)).toBe(plan.holdMicros);
    }),
    runs(1_000),
  );
});

test('X-Max-Cost is a wall: a plan is at most that, or there is none', () => {
  fc.assert(
    fc.property(body, fc.bigInt({ min: 0n, max: 10_000_000n }), (shape, maxCostMicros) => {
      try {
        expect(planChat(shape, CATALOGUED, { maxCostMicros }).holdMicros).toBeLessThanOrEqual(maxCostMicros);
      } catch (error) {
        expect(error).toMatchObject({ code: 'max_cost_exceeded', status: 402 });
        expect(planChat(shape, CATALOGUED, {}).holdMicros).toBeGreaterThan(maxCostMicros);
      }
    }),
  );
});

test('fitting lowers the output limit until the hold fits, never raises it, and leaves it alone when nothing fits', () => {
  fc.assert(
    fc.property(body, fc.bigInt({ min: 0n, max: 10_000_000n }), (shape, fitToMicros) => {
      const plain = planChat(shape, CATALOGUED, {});
      const fitted = planChat(shape, CATALOGUED, { fitToMicros });
      expect(fitted.outputTokensMax).toBeLessThanOrEqual(plain.outputTokensMax);
      expect(fitted.outputTokensMax).toBeGreaterThanOrEqual(1);
      if (fitted.outputTokensMax < plain.outputTokensMax) expect(fitted.holdMicros).toBeLessThanOrEqual(fitToMicros);
      if (fitted.holdMicros > fitToMicros) expect(fitted).toEqual(plain);
    }),
  );
});
