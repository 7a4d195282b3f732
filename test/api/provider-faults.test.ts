import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import OpenAI from 'openai';
import { costOf } from '../../src/billing/pricing.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { faults } from '../../src/sandbox/faults.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, type SystemProcess, startSystem } from '../helpers/system.ts';
import { upstreamCounts } from '../helpers/upstream.ts';
import { EXPECTATIONS, MESSAGE, type Seen, SLOW_FAULTS } from './fault-expectations.ts';

const stores = useStores();
let system: System;
let customer: Customer;
beforeAll(async () => {
  system = await startSystem(stores, {
    env: {
      PROVIDER_FIRST_BYTE_MS: '3000',
      PROVIDER_IDLE_MS: '2500',
      PROVIDER_BYTES_MAX: '262144',
      REQUEST_DEADLINE_MS: '6000',
      STREAM_DEADLINE_MS: '6000',
      // A heartbeat begins the answer, and then an early failure has to be a chunk; that is a test of its own.
      API_HEARTBEAT_MS: '30000',
    },
  });
  customer = await system.customer({ rub: 100_000 });
});
afterAll(() => system.stop());

type Observed = { requestId: string; text: string; error?: InstanceType<typeof OpenAI.APIError> };

/** What a stock SDK client makes of one call: its text, its error, or both. */
async function observe(content: string, stream: boolean, model = 'test/echo', api?: SystemProcess): Promise<Observed> {
  const client = customer.client(api ? { api } : {});
  const messages = [{ role: 'user' as const, content }];
  const seen: Observed = { requestId: '', text: '' };
  try {
    if (stream) {
      const { data, request_id } = await client.chat.completions.create({ model, messages, stream }).withResponse();
      seen.requestId = request_id ?? '';
      for await (const chunk of data) seen.text += chunk.choices[0]?.delta.content ?? '';
    } else {
      const { data, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
      seen.requestId = request_id ?? '';
      seen.text = data.choices[0]?.message.content ?? '';
    }
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    seen.error = error;
    if (seen.requestId === '') seen.requestId = error.requestID ?? '';
  }
  return seen;
}

async function settledRow(requestId: string): Promise<RequestDocument> {
  return eventually(async () => {
    const row = await requests().findOne({ _id: requestId, settled: true });
    if (!row) throw new Error(`${requestId} is not settled`);
    return row;
  });
}

function expectBill(row: RequestDocument, expected: Seen, text: string): void {
  expect(row.costMicros).toBeGreaterThanOrEqual(0n);
  expect(row.costMicros).toBeLessThanOrEqual(row.holdMicros);
  if (expected.kind === 'refused' || (expected.kind === 'broken' && expected.code !== 'interrupted')) {
    expect(row).toMatchObject({ state: 'failed', costMicros: 0n, usageSource: 'none' });
    return;
  }
  expect(row.usage && costOf(row.usage, row.price)).toBe(row.costMicros);
  expect(row.state).toBe(expected.kind === 'broken' ? 'failed' : 'done');
  expect(row.review !== undefined).toBe(expected.kind === 'estimated' && expected.review);
  if (expected.kind !== 'broken') expect(row.usageSource).toBe(expected.kind === 'whole' ? 'provider' : 'estimated');
  if (row.usageSource === 'estimated') {
    expect(row.usage?.completionTokens).toBe(countTokens(text));
    expect(row.usage?.promptTokens).toBeGreaterThan(0);
  }
}

async function check(fault: string, stream: boolean, model?: string): Promise<void> {
  const expected = EXPECTATIONS[fault]?.[stream ? 'stream' : 'plain'];
  if (!expected) throw new Error(`no expectation for ${fault}`);
  const pace = fault === 'slow' ? 'd=1000' : 'd=0';
  const content = `[[sandbox text=echo ${pace} fault=${fault}]] ${MESSAGE}`;
  const { requestId, text, error } = await observe(content, stream, model);
  const where = `${fault} ${stream ? 'stream' : 'plain'}`;
  switch (expected.kind) {
    case 'refused':
      expect([where, error?.status, error?.code, text]).toEqual([where, expected.status, expected.code, '']);
      break;
    case 'broken':
      expect([where, error?.status, error?.code]).toEqual([where, undefined, expected.code]);
      // The endless one repeats its last word until it is cut.
      if (fault === 'endless') expect(text.startsWith(expected.text)).toBe(true);
      else expect(text).toBe(expected.text);
      break;
    default:
      expect([where, error, text]).toEqual([where, undefined, MESSAGE]);
  }
  if (error) {
    expect(error.error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
    expect(error.error).toHaveProperty('param');
  }
  const row = await settledRow(requestId);
  if (fault === 'usage-zero') expect(row).toMatchObject({ state: 'done', costMicros: 0n, usageSource: 'provider' });
  else if (fault === 'endless' && stream)
    expect(row).toMatchObject({ state: 'failed', error: { code: 'interrupted' } });
  else expectBill(row, expected, text);
  expect([where, (await upstreamCounts(system.sandboxUrl, requestId)).count]).toEqual([where, 1]);
}

test('every fault of the sandbox has an expectation', () => {
  expect(Object.keys(EXPECTATIONS).sort()).toEqual(Object.keys(faults).sort());
});

describe('a client sees the whole answer or a typed error, never a silent end, and pays by the published rule', () => {
  const quick = Object.keys(EXPECTATIONS).filter((fault) => !SLOW_FAULTS.includes(fault));

  test.each(quick)('%s', async (fault) => {
    for (const stream of [false, true]) await check(fault, stream);
    // A success closes the breaker again: here every fault is to meet the provider.
    expect((await observe(MESSAGE, false)).text).toBe(MESSAGE);
  });

  test(`silence and slowness end with a timer: ${SLOW_FAULTS.join(', ')}`, async () => {
    await Promise.all(
      SLOW_FAULTS.flatMap((fault) => [false, true].map((stream) => check(fault, stream, 'test/lorem'))),
    );
  });
});

test('what was reported before a connection broke is not charged beyond the hold, even if it is more than was delivered', async () => {
  const { requestId, error } = await observe(`[[sandbox text=echo fault=usage-huge+usage-every+cut]] ${MESSAGE}`, true);
  expect(error?.code).toBe('interrupted');
  const row = await settledRow(requestId);
  expect(row).toMatchObject({ usageSource: 'estimated', review: expect.any(String) });
  expect(row.costMicros).toBeLessThanOrEqual(row.holdMicros);
  await observe(MESSAGE, false);
});

test('figures above the hold are charged up to the hold, and a person is to look at the bill', async () => {
  const { requestId, text } = await observe(`[[sandbox text=echo completion=90000000]] ${MESSAGE}`, false);
  expect(text).toBe(MESSAGE);
  const row = await settledRow(requestId);
  expect(row).toMatchObject({
    state: 'done',
    usageSource: 'provider',
    review: 'cost_exceeds_hold',
    costMicros: row.holdMicros,
  });
});

test('a failure after the first heartbeat is an error chunk, and one that comes before it is an HTTP status', async () => {
  const api = await system.startApi({ API_HEARTBEAT_MS: '50' });
  const late = await observe(`[[sandbox fault=500 f=700]] ${MESSAGE}`, true, 'test/echo', api);
  expect([late.error?.status, late.error?.code]).toEqual([undefined, 'provider_error']);
  expect(await settledRow(late.requestId)).toMatchObject({ state: 'failed', costMicros: 0n });
  const [first] = system.apis;
  const early = await observe(`[[sandbox fault=500]] ${MESSAGE}`, true, 'test/echo', first);
  expect([early.error?.status, early.error?.code]).toEqual([502, 'provider_error']);
});

test('after all of this the books are in order and no provider was called twice', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
