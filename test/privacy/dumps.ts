import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { Binary, BSON } from 'mongodb';
import mongoose from 'mongoose';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { ROW_CLASSES } from '../../src/privacy/row-classes.ts';
import { keyVersionOf } from '../../src/privacy/sealing.ts';

/** Everything that the product has left anywhere, as bytes. */

/** Every document of every database of the installation, as BSON; by collection. */
export async function dumpMongo(databases: readonly string[]): Promise<Map<string, Buffer>> {
  const dumps = new Map<string, Buffer>();
  for (const database of databases) {
    const db = mongoose.connection.useDb(database).db;
    for (const { name } of (await db?.listCollections({}, { nameOnly: true }).toArray()) ?? []) {
      const documents = (await db?.collection(name).find().toArray()) ?? [];
      dumps.set(`${database}.${name}`, Buffer.concat(documents.map((document) => BSON.serialize(document))));
    }
  }
  return dumps;
}

/** All bytes of all files below a folder. */
export function dumpFolder(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map((file) => readFileSync(path.join(file.parentPath, file.name))));
}

/** The files below a folder that were written since a moment, one at a time: those of a database do not fit into memory. */
export function* filesSince(folder: string, sinceMs: number): Generator<Buffer> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    try {
      if (entry.isFile() && statSync(file).mtimeMs >= sinceMs) yield readFileSync(file);
    } catch (error) {
      // The engine deletes files meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Makes Redis write a snapshot beside its append-only file, with nothing compressed. */
export async function snapshotRedis(redis: Redis): Promise<void> {
  await redis.config('SET', 'rdbcompression', 'no');
  await redis.save();
}

/** Every value in a document that is sealed: where it stands, and its bytes. */
export function sealedValues(value: unknown, trail: string[] = []): { trail: string[]; bytes: Uint8Array }[] {
  const bytes = value instanceof Binary ? value.buffer.subarray(0, value.position) : value;
  if (bytes instanceof Uint8Array) {
    try {
      keyVersionOf(bytes);
      return [{ trail, bytes }];
    } catch {
      return [];
    }
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([name, member]) => sealedValues(member, [...trail, name]));
}

export type Sealed = { context: string; bytes: Uint8Array };

/** Everything that is stored under the data key of an account, with the place that it opens in. */
export async function sealedOf(accountId: string): Promise<Sealed[]> {
  const all: Sealed[] = [];
  for (const { store } of ROW_CLASSES) {
    if (!store.sealed) continue;
    const rows = await mongoose.connection
      .collection<{ _id: string }>(store.collection)
      .find({ [store.owner]: accountId })
      .toArray();
    for (const row of rows) {
      for (const { trail, bytes } of sealedValues(row)) {
        const field = store.sealed.find((one) => trail.join('.').startsWith(one.field));
        if (field) all.push({ context: field.context(row._id), bytes });
      }
    }
  }
  return all;
}

/** With a cipher that has nothing in its memory, as after a restart; undefined for what does not open. */
export function openAll(
  masterKey: Uint8Array,
  accountId: string,
  sealed: readonly Sealed[],
): Promise<(string | undefined)[]> {
  const cipher = createContentCipher(new Map([[1, masterKey]]));
  return Promise.all(
    sealed.map(({ context, bytes }) =>
      cipher.open(accountId, context, bytes).then(
        (plain) => plain.toString(),
        () => undefined,
      ),
    ),
  );
}
