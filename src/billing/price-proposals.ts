import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { AiModel, type AiModelDocument, Price, type PriceDocument, type PriceRates } from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import { PriceProposal, type PriceProposalDocument } from '../models/price-proposal.ts';

/**
 * How a price changes: one person proposes it from a moment in the future on, another one approves it. The version
 * carries the proposal's id, so that it is made once; versions are never edited, and requests keep the price they were
 * held under.
 */

const DUPLICATE_KEY = 11_000;
const TRIES_MAX = 20;
export const RATE_MICROS_MAX = 10n ** 15n;

const proposals = () => nativeCollection<PriceProposalDocument>(PriceProposal);
const prices = () => nativeCollection<PriceDocument>(Price);

export type PriceWish = { modelId: string; rates: PriceRates; validFrom: Date; reason: string; by: string };

/** @throws `invalid_request` for a moment that is not in the future or a rate beyond the bound, `not_found` for the model. */
export async function proposePrice(wish: PriceWish, nowMs: number): Promise<PriceProposalDocument> {
  const { modelId, rates, validFrom, reason, by } = wish;
  if (validFrom.getTime() <= nowMs)
    throw new AppError('invalid_request', { param: 'validFrom', message: 'A price begins in the future.' });
  if (Object.values(rates).some((rate) => rate < 0n || rate > RATE_MICROS_MAX))
    throw new AppError('invalid_request', { message: 'A rate is beyond the bounds.' });
  if (!(await nativeCollection<AiModelDocument>(AiModel).findOne({ _id: modelId }, { projection: { _id: 1 } })))
    throw new AppError('not_found', { message: 'There is no such model.' });
  const proposal: PriceProposalDocument = {
    _id: newId('ppr', nowMs),
    modelId,
    validFrom,
    ...rates,
    reason,
    state: 'proposed',
    proposedBy: by,
    proposedAt: new Date(nowMs),
  };
  await proposals().insertOne(proposal);
  return proposal;
}

async function findProposal(proposalId: string): Promise<PriceProposalDocument> {
  const found = await proposals().findOne({ _id: proposalId });
  if (!found) throw new AppError('not_found', { message: 'There is no such price proposal.' });
  return found;
}

function versionOf(proposal: PriceProposalDocument, version: number): PriceDocument {
  const { reason: _r, state: _s, proposedBy: _p, proposedAt: _a, decidedBy: _d, decidedAt: _t, ...rest } = proposal;
  return { ...rest, version };
}

/** Makes the version once, whoever repeats it; of two models' proposals at once the later takes the next number. */
async function publish(proposal: PriceProposalDocument): Promise<void> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    if (await prices().findOne({ _id: proposal._id }, { projection: { _id: 1 } })) return;
    const newest = await prices().find({ modelId: proposal.modelId }).sort({ version: -1 }).limit(1).next();
    try {
      await prices().insertOne(versionOf(proposal, (newest?.version ?? 0) + 1));
      return;
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
    }
  }
  throw new AppError('unavailable', { internal: `price proposal ${proposal._id}: versions keep coming` });
}

/** A version that begins earlier than one there is already would never hold, or end that one before its time. */
async function expectLatest({ modelId, validFrom }: PriceProposalDocument): Promise<void> {
  if (await prices().findOne({ modelId, validFrom: { $gte: validFrom } }, { projection: { _id: 1 } }))
    throw new AppError('state_conflict', { message: 'There is a price that begins at this moment or later.' });
}

/**
 * Approves a proposal and makes the price. Repeating it as the same person finishes what was begun.
 * @throws `second_person_needed` for the proposer, `state_conflict` when it is decided, begins in the past by now, or
 * before a price there is.
 */
export async function approvePrice(proposalId: string, by: string, nowMs: number): Promise<void> {
  const proposal = await findProposal(proposalId);
  if (proposal.proposedBy === by) throw new AppError('second_person_needed');
  if (proposal.state === 'proposed') await expectLatest(proposal);
  await proposals().updateOne(
    { _id: proposalId, state: 'proposed', proposedBy: { $ne: by }, validFrom: { $gt: new Date(nowMs) } },
    { $set: { state: 'approved', decidedBy: by, decidedAt: new Date(nowMs) } },
  );
  const decided = await findProposal(proposalId);
  if (decided.state !== 'approved' || decided.decidedBy !== by) throw new AppError('state_conflict');
  await publish(decided);
}

/** @throws `not_found`, or `state_conflict` when it is decided. */
export async function rejectPrice(proposalId: string, by: string, nowMs: number): Promise<void> {
  await findProposal(proposalId);
  const { matchedCount } = await proposals().updateOne(
    { _id: proposalId, state: 'proposed' },
    { $set: { state: 'rejected', decidedBy: by, decidedAt: new Date(nowMs) } },
  );
  if (matchedCount !== 1) throw new AppError('state_conflict');
}

/** Who proposed it. @throws `not_found`. */
export async function priceProposer(proposalId: string): Promise<string> {
  return (await findProposal(proposalId)).proposedBy;
}
