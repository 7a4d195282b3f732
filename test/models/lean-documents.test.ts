import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { mendDocumentOptions } from '../../src/models/lean-documents.ts';

type Document = { toObject(options?: object): unknown; get(name: string, type: number): Document | null };
type DocumentClass = { new (bytes: Uint8Array): Document; prototype: Document };

test('documents are read as the driver reads them, wherever they begin, and the options given to it stay as they are', () => {
  const { OnDemandDocument } = createRequire(import.meta.url)(
    'mongodb/lib/cmap/wire_protocol/on_demand/document.js',
  ) as { OnDemandDocument: DocumentClass };
  const bytes = BSON.serialize({ amount: 5n, inner: { amount: 7n, text: 'Привет', bytes: Buffer.from('x') } });
  const options = { useBigInt64: true, promoteBuffers: true };
  const read = () => {
    const whole = new OnDemandDocument(bytes);
    const inner = whole.get('inner', BSON.BSONType.object);
    return [whole.toObject(options), inner?.toObject(options), inner?.toObject()];
  };
  const { toObject } = OnDemandDocument.prototype;
  const asTheDriver = read();
  mendDocumentOptions();
  mendDocumentOptions();
  expect(OnDemandDocument.prototype.toObject).not.toBe(toObject);
  expect(read()).toEqual(asTheDriver);
  expect(asTheDriver[1]).toMatchObject({ amount: 7n, text: 'Привет' });
  expect(options).toEqual({ useBigInt64: true, promoteBuffers: true });
});
