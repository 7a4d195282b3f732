import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { Binary, BSON } from 'mongodb';
import mongoose from 'mongoose';
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
