import { createHmac, hkdfSync } from 'node:crypto';
import { MongoServerError } from 'mongodb';
import { AuditEntry, type AuditEntryDocument } from '../models/audit-entry.ts';
import { nativeCollection } from '../models/connect.ts';

/** Appending to the audit log: one writer wins each number, the others take the next one. */

export type AuditFacts = Omit<AuditEntryDocument, '_id' | 'at' | 'hash' | 'previousHash'>;
export type AuditLog = {
  /** Writes one entry and gives its number. Rejects when it could not be written: then nothing may be done. */
  append(facts: AuditFacts): Promise<number>;
};

export const FIRST_HASH = '0'.repeat(64);
const TRIES_MAX = 100;
const DUPLICATE_KEY = 11_000;
const KEY_BYTES = 32;
const REASON_CHARACTERS_MAX = 500;

/** The order is part of the hash. */
const HASHED = [
  '_id', 'at', 'actorKind', 'actorId', 'actorRole', 'address', 'action', 'targetId', 'outcome', 'code', 'reason', 'previousHash',
] as const; // biome-ignore format: a table of names

export const audit = () => nativeCollection<AuditEntryDocument>(AuditEntry);

/** The key of the chain, from the installation's pepper. */
export function auditKey(pepper: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', pepper, '', 'ocelotiq audit', KEY_BYTES));
}

/** The hash of an entry over all its members and the hash before it. */
export function auditHash(key: Uint8Array, entry: Omit<AuditEntryDocument, 'hash'>): string {
  const values = HASHED.map((name) => {
    const value = entry[name];
    return value instanceof Date ? value.toISOString() : (value ?? null);
  });
  return createHmac('sha256', key).update(JSON.stringify(values)).digest('hex');
}

function isTaken(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** @param pepper the installation's secret; without it nobody can make entries that fit. */
export function createAuditLog(pepper: Uint8Array): AuditLog {
  const key = auditKey(pepper);
  return {
    append: async (facts) => {
      const reason = facts.reason?.slice(0, REASON_CHARACTERS_MAX);
      for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
        const last = await audit().findOne({}, { sort: { _id: -1 }, projection: { hash: 1 } });
        const entry = {
          ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)),
          ...(reason === undefined ? {} : { reason }),
          _id: (last?._id ?? 0) + 1,
          at: new Date(),
          previousHash: last?.hash ?? FIRST_HASH,
        } as Omit<AuditEntryDocument, 'hash'>;
        try {
          await audit().insertOne({ ...entry, hash: auditHash(key, entry) });
          return entry._id;
        } catch (error) {
          if (!isTaken(error)) throw error;
        }
      }
      throw new Error('the audit log could not be written: too many writers at once');
    },
  };
}
