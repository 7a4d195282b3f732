import { audit, auditHash, auditKey, FIRST_HASH } from './append.ts';

/** What a check of the whole log found. `brokenAt` is the first entry that is missing, changed or out of place. */
export type AuditCheck = { entries: number; headSeq: number; headHash: string; brokenAt?: number };

/**
 * Reads the log from its start and checks every number, link and hash. What was cut off at the end shows only against a
 * `headSeq` and `headHash` that were written down elsewhere.
 */
export async function verifyAudit(pepper: Uint8Array): Promise<AuditCheck> {
  const key = auditKey(pepper);
  const check: AuditCheck = { entries: 0, headSeq: 0, headHash: FIRST_HASH };
  for await (const { hash, ...entry } of audit().find({}).sort({ _id: 1 })) {
    const expected = check.headSeq + 1;
    const fits = entry._id === expected && entry.previousHash === check.headHash && auditHash(key, entry) === hash;
    if (!fits) return { ...check, brokenAt: expected };
    check.entries++;
    check.headSeq = entry._id;
    check.headHash = hash;
  }
  return check;
}
