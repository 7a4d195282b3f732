import { createHash } from 'node:crypto';
import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import {
  PolicyAcceptance,
  type PolicyAcceptanceDocument,
  PolicyVersion,
  type PolicyVersionDocument,
} from '../models/policy.ts';
import { buildPolicy, type PolicySources } from './policy-content.ts';

/** Versions of the policy: published as the settings were, in force from a date, accepted by accounts. */

const LISTED_MAX = 100;
const USER_AGENT_CHARACTERS_MAX = 200;
const DUPLICATE_KEY = 11_000;

const versions = () => nativeCollection<PolicyVersionDocument>(PolicyVersion);
const acceptances = () => nativeCollection<PolicyAcceptanceDocument>(PolicyAcceptance);

export function policyHash(content: PolicyVersionDocument['content']): string {
  return createHash('sha256')
    .update(JSON.stringify({ ru: content.ru, en: content.en }))
    .digest('hex');
}

/** The newest version that has begun. */
export function versionInForce(nowMs: number): Promise<PolicyVersionDocument | null> {
  return versions()
    .find({ effectiveAt: { $lte: new Date(nowMs) } })
    .sort({ _id: -1 })
    .limit(1)
    .next();
}

/** @throws `not_found`. */
export async function findVersion(version: number): Promise<PolicyVersionDocument> {
  const found = await versions().findOne({ _id: version });
  if (!found) throw new AppError('not_found', { message: 'There is no such version.' });
  return found;
}

export type VersionLine = Pick<PolicyVersionDocument, '_id' | 'effectiveAt' | 'hash'>;

/** All versions, also those to come, the newest first; at most 100. */
export function listVersions(): Promise<VersionLine[]> {
  return versions()
    .find({}, { projection: { effectiveAt: 1, hash: 1 } })
    .sort({ _id: -1 })
    .limit(LISTED_MAX)
    .toArray();
}

/**
 * Publishes what the settings say now as the next version.
 * @throws `invalid_request` for a date that is over, or before an earlier version's; `state_conflict` when nothing has
 *   changed, or somebody else publishes at this moment.
 */
export async function publishPolicy(
  sources: PolicySources,
  { effectiveAt, by }: { effectiveAt: Date; by: string },
  nowMs: number,
): Promise<PolicyVersionDocument> {
  const [last] = await listVersions();
  const begins = Math.max(nowMs, last?.effectiveAt.getTime() ?? 0);
  if (effectiveAt.getTime() < begins)
    throw new AppError('invalid_request', { message: 'It has to begin later.', param: 'effectiveAt' });
  const content = await buildPolicy(sources);
  const hash = policyHash(content);
  if (last?.hash === hash) throw new AppError('state_conflict', { message: 'Nothing has changed since the last one.' });
  const version = {
    _id: (last?._id ?? 0) + 1,
    content,
    hash,
    effectiveAt,
    publishedAt: new Date(nowMs),
    publishedBy: by,
  };
  try {
    await versions().insertOne(version);
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) throw new AppError('state_conflict');
    throw error;
  }
  return version;
}

/** How a decision of an owner came: with which key, from where, by what program. */
export type Evidence = { keyId: string; address?: string | undefined; userAgent?: string | undefined };

/** The parts of it that are kept. */
export function keptEvidence({ address, userAgent }: Evidence): { address?: string; userAgent?: string } {
  return {
    ...(address === undefined ? {} : { address }),
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, USER_AGENT_CHARACTERS_MAX) }),
  };
}

/** An account takes note of a version. Again is no error, and the first time stays. @throws `not_found`. */
export async function acceptVersion(accountId: string, version: number, evidence: Evidence): Promise<void> {
  const { hash } = await findVersion(version);
  const { keyId } = evidence;
  const acceptance = { accountId, version, hash, at: new Date(), keyId, ...keptEvidence(evidence) };
  await acceptances().updateOne({ _id: `${accountId}|${version}` }, { $setOnInsert: acceptance }, { upsert: true });
}

/** What an account has accepted, the newest version first; at most 100. */
export function acceptancesOf(accountId: string): Promise<PolicyAcceptanceDocument[]> {
  return acceptances().find({ accountId }).sort({ version: -1 }).limit(LISTED_MAX).toArray();
}
