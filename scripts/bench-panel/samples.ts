import type { Document } from 'mongodb';
import type { Model } from 'mongoose';
import { startSession } from '../../src/auth/staff-session.ts';
import { Account } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Request } from '../../src/models/request.ts';
import { Staff } from '../../src/models/staff.ts';

/** What is searched for in a filled database, and who searches. */
export type Samples = {
  requests: number;
  /** The first accounts are the busiest. */
  accountIds: { busiest: string; middling: string };
  keyId: string;
  requestId: string;
  staffId: string;
  /** Token of a signed-in admin's session. */
  session: string;
};

const SESSION_MS = 12 * 3_600_000;
/** Of the accounts, in the order of how much they ask. */
const MIDDLING_PART = 8;

async function nth(model: Model<never>, skip: number, direction: 1 | -1 = 1): Promise<Document> {
  const found = await nativeCollection<Document>(model).find({}).sort({ _id: direction }).skip(skip).limit(1).next();
  if (!found) throw new Error(`${model.collection.collectionName}: nothing is there`);
  return found;
}

/** Whether an earlier run has filled this database. */
export async function isFilled(): Promise<boolean> {
  return (await nativeCollection<Document>(Account).findOne({}, { projection: { _id: 1 } })) !== null;
}

export async function takeSamples(): Promise<Samples> {
  const accounts = await nativeCollection<Document>(Account).countDocuments({});
  const [busiest, middling, staff, last] = await Promise.all([
    nth(Account as never, 0),
    nth(Account as never, Math.floor(accounts / MIDDLING_PART)),
    nth(Staff as never, 0),
    nth(Request as never, 0, -1),
  ]);
  const staffId = String(staff._id);
  const asked = await nativeCollection<Document>(Request).findOne({ accountId: busiest._id });
  return {
    requests: await nativeCollection<Document>(Request).countDocuments({}),
    accountIds: { busiest: String(busiest._id), middling: String(middling._id) },
    keyId: String(asked?.keyId),
    requestId: String(last._id),
    staffId,
    session: await startSession(staffId, 'open', { idleMs: SESSION_MS, absoluteMs: SESSION_MS }),
  };
}
