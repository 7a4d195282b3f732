import { createRequire } from 'node:module';

/**
 * The driver (7.8.0) copies its options for every document it reads, by a literal that begins with a spread. In the V8 of Node
 * 20 such an object has a shape of its own each time, and whatever looks at it afterwards is slow: half of what reading
 * a small document costs. Here the same options are copied in a way that keeps one shape.
 */

type OnDemandDocument = { bson: Uint8Array; offset: number; toObject(options?: object): unknown };
type Deserialize = (bytes: Uint8Array, options: object) => unknown;

const MENDED = Symbol.for('ocelotiq.lean-documents');

/** Mends the driver's class of documents, once per process. Throws when a new version no longer has what is mended. */
export function mendDocumentOptions(): void {
  const load = createRequire(import.meta.url);
  const { OnDemandDocument } = load('mongodb/lib/cmap/wire_protocol/on_demand/document.js') as {
    OnDemandDocument: { prototype: OnDemandDocument & { [MENDED]?: true } };
  };
  const { deserialize } = load('mongodb/lib/bson.js') as { deserialize: Deserialize };
  const { prototype } = OnDemandDocument;
  if (prototype[MENDED]) return;
  if (typeof prototype.toObject !== 'function' || typeof deserialize !== 'function')
    throw new Error('the MongoDB driver has changed: see lean-documents.ts');
  prototype[MENDED] = true;
  prototype.toObject = function (this: OnDemandDocument, options?: object): unknown {
    const own = { index: this.offset, allowObjectSmallerThanBufferSize: true };
    return deserialize(this.bson, Object.assign({}, options, own));
  };
}
