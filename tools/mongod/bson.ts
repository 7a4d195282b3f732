/** Documents to bytes and back, for the few places that must look inside. */
import { type DeserializeOptions, deserialize, serialize } from 'bson';

export type Doc = Record<string, unknown>;

export function encode(document: Doc): Buffer {
  return Buffer.from(serialize(document, { ignoreUndefined: true }));
}

/** Decodes into plain JavaScript values, for reading. */
export function decode(bytes: Buffer): Doc {
  return deserialize(bytes);
}

const EXACT: DeserializeOptions = { promoteValues: false, promoteLongs: false, bsonRegExp: true };

/** Decodes so that encoding again gives the same types. */
export function decodeExact(bytes: Buffer): Doc {
  return deserialize(bytes, EXACT);
}

export function isDoc(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
