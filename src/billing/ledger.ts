import { MongoBulkWriteError } from 'mongodb';
import { crashPoint } from '../crash-point.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { pullFlushedUpdate } from './account-updates.ts';

const ENTRIES_PER_ACCOUNT_MAX = 500;
const ACCOUNTS_PER_BATCH_MAX = 200;

type AccountOutbox = Pick<AccountDocument, '_id' | 'outbox'>;

const accounts = () => nativeCollection<AccountDocument>(Account);

/**
 * Moves outbox entries of these accounts into the ledger: insert (a duplicate `_id` is success), then pull. Several
 * flushers may run at once. Returns how many entries were moved.
 */
export async function flushOutboxes(accountIds: readonly string[], log: Logger): Promise<number> {
  let moved = 0;
  for (let start = 0; start < accountIds.length; start += ACCOUNTS_PER_BATCH_MAX) {
    const ids = accountIds.slice(start, start + ACCOUNTS_PER_BATCH_MAX);
    const batch = await accounts()
      .find(
        { _id: { $in: ids }, 'outbox.0': { $exists: true } },
        { projection: { outbox: { $slice: ENTRIES_PER_ACCOUNT_MAX } } },
      )
      .toArray();
    moved += await moveEntries(batch, log);
  }
  return moved;
}

async function moveEntries(batch: readonly AccountOutbox[], log: Logger): Promise<number> {
  // Whatever an entry says, it belongs to the account that it stands in.
  const entries = batch.flatMap(({ _id: accountId, outbox }) =>
    outbox.map((entry) => Object.assign({}, entry, { accountId })),
  );
  if (entries.length === 0) return 0;
  crashPoint('flush.before_insert');
  const refused = await insertEntries(entries);
  crashPoint('flush.after_insert');
  for (const entry of refused)
    log.error({ accountId: entry.accountId, reason: 'ledger entry refused', seq: String(entry.seq) }, 'ledger');
  const refusedIds = new Set(refused.map((entry) => entry._id));
  const pulls = batch
    .map((account) => ({
      id: account._id,
      flushed: account.outbox.map(({ _id }) => _id).filter((id) => !refusedIds.has(id)),
    }))
    .filter(({ flushed }) => flushed.length > 0);
  if (pulls.length > 0) {
    await accounts().bulkWrite(
      pulls.map(({ id, flushed }) => ({ updateOne: pullFlushedUpdate(id, flushed) as never })),
      { ordered: false },
    );
  }
  crashPoint('flush.after_pull');
  return entries.length - refused.length;
}

/**
 * Inserts; returns the entries that the ledger refused. Throws when the line broke: that is a bulk error as well, with
 * nothing said about any entry, so what is in the ledger is asked of the ledger alone.
 */
async function insertEntries(entries: LedgerEntryDocument[]): Promise<LedgerEntryDocument[]> {
  const ledger = nativeCollection<LedgerEntryDocument>(LedgerEntry);
  try {
    await ledger.insertMany(entries, { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || [error.writeErrors].flat().length === 0) throw error;
  }
  const found = await ledger
    .find({ _id: { $in: entries.map(({ _id }) => _id) } }, { projection: { _id: 1 } })
    .toArray();
  const present = new Set(found.map(({ _id }) => _id));
  return entries.filter(({ _id }) => !present.has(_id));
}

/**
 * One page of a walk over all accounts: flushes what a crashed process left behind, and tells how old the oldest entry
 * was. Pass the returned id to go on; `undefined` means that the end is reached.
 */
export async function flushPage(
  afterId: string | undefined,
  pageSize: number,
  nowMs: number,
  log: Logger,
): Promise<{ nextId: string | undefined; oldestMs: number }> {
  const page = await accounts()
    .find(afterId === undefined ? {} : { _id: { $gt: afterId } }, {
      projection: { outbox: { $slice: ENTRIES_PER_ACCOUNT_MAX } },
    })
    .sort({ _id: 1 })
    .limit(pageSize)
    .toArray();
  const owing = page.filter((account) => account.outbox.length > 0);
  const oldestMs = owing.reduce(
    (oldest, account) => Math.max(oldest, nowMs - (account.outbox[0]?.at.getTime() ?? nowMs)),
    0,
  );
  await moveEntries(owing, log);
  return { nextId: page.length < pageSize ? undefined : page.at(-1)?._id, oldestMs };
}
