import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BSON, type Document } from 'mongodb';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry } from '../../src/models/ledger-entry.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { AMOUNT_MICROS_MAX, minMicros, parseRub } from '../../src/money.ts';
import { presentRequest } from '../../src/requests/present.ts';
import { webhookEvent } from '../../src/webhooks/event.ts';
import { runs } from '../helpers/property-runs.ts';
import { useStores } from '../helpers/stores.ts';

/** P10: an amount is the same number after the database and after JSON, to the last micro-ruble. */

useStores();

const INT64_MAX = 2n ** 63n - 1n;
const amount = fc.oneof(
  fc.bigInt({ min: -AMOUNT_MICROS_MAX, max: AMOUNT_MICROS_MAX }),
  fc.constantFrom(
    0n,
    1n,
    -1n,
    2n ** 31n,
    -(2n ** 31n) - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    -(2n ** 53n) - 1n,
    AMOUNT_MICROS_MAX,
  ),
);
const NOT_WRITABLE = AMOUNT_MICROS_MAX - 1n;
const positive = amount
  .map((micros) => (micros < 0n ? -micros : micros))
  .map((micros) => (micros > NOT_WRITABLE ? NOT_WRITABLE : micros));

test('through BSON: an int64 of eight bytes whatever its size, wherever it stands in a document', () => {
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1, maxLength: 6 }), fc.string({ maxLength: 3 }), (amounts, name) => {
      const document = { list: amounts, nested: { [`n${name.replaceAll('\0', '')}`]: { amounts } } };
      const bytes = BSON.serialize(document);
      expect(BSON.deserialize(bytes, { useBigInt64: true, promoteBuffers: true })).toEqual(document);
      const raw = BSON.deserialize(bytes, { promoteValues: false }) as { list: unknown[] };
      expect(raw.list.every((value) => value instanceof BSON.Long)).toBe(true);
    }),
    runs(500),
  );
});

test('through the database: stored, read, added to and compared as the integers they are', async () => {
  const ledger = nativeCollection<Document>(LedgerEntry);
  const { seed = 1 } = runs(0);
  const tries = fc.sample(fc.tuple(amount, amount), { numRuns: 200, seed });
  const bare = ledger.db.collection('amounts');
  await bare.insertMany(tries.map(([micros, more], index) => ({ seq: index, micros, more })));
  await bare.updateMany({}, [{ $set: { sum: { $add: ['$micros', '$more'] }, less: { $lt: ['$micros', '$more'] } } }]);
  await bare.bulkWrite(
    tries.map(([, more], seq) => ({ updateOne: { filter: { seq }, update: { $inc: { micros: more } } } })),
  );
  const found = await bare.find().sort({ seq: 1 }).toArray();
  expect(found.map(({ micros, more, sum, less }) => [micros, more, sum, less])).toEqual(
    tries.map(([micros, more]) => [micros + more, more, micros + more, micros < more]),
  );
  expect(2n * AMOUNT_MICROS_MAX).toBeLessThan(INT64_MAX);
});

test('through JSON: every amount of a receipt and of a webhook is an exact decimal text, and never a number', () => {
  const names = ['inputMicrosPerMillion', 'cachedInputMicrosPerMillion', 'cacheWriteMicrosPerMillion', 'outputMicrosPerMillion', 'reasoningMicrosPerMillion', 'requestMicros'] as const; // biome-ignore format: one line of names
  fc.assert(
    fc.property(fc.array(positive, { minLength: 6, maxLength: 6 }), positive, positive, (rates, held, share) => {
      const price = Object.fromEntries(names.map((name, index) => [name, rates[index]]));
      const costMicros = minMicros(share, held);
      const at = new Date(0);
      const request = {
        _id: 'req_x', state: 'done', mode: 'sync', endpoint: 'chat.completions', model: 'm', settled: true, attempts: [],
        price: { priceId: 'p#1', version: 1, ...price }, holdMicros: held, costMicros, createdAt: at, deadlineAt: at,
      } as unknown as RequestDocument; // biome-ignore format: a row in short
      const shown = presentRequest(request);
      const event = webhookEvent({ deliveryId: 'evt', type: 'request.completed', createdAt: at, data: shown });
      const read = (JSON.parse(event) as { data: typeof shown }).data;
      expect(read).toEqual(JSON.parse(JSON.stringify(shown)));
      const { receipt } = read;
      const texts = [receipt.held, receipt.charged, receipt.released, read.cost?.amount, receipt.rub_per_request];
      expect(texts.map((text) => parseRub(text as string))).toEqual([
        held,
        costMicros,
        held - costMicros,
        costMicros,
        rates[5],
      ]);
      const { input, cached_input, cache_write, output, reasoning } = receipt.rub_per_million_tokens;
      expect([input, cached_input, cache_write, output, reasoning].map(parseRub)).toEqual(rates.slice(0, 5));
    }),
    runs(300),
  );
});
