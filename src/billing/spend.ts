import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { spendBuckets } from './account-updates.ts';

const DAYS_KEPT = 62;
const MONTHS_KEPT_DAYS = 400;
const DAY_MS = 86_400_000;
const PAGE_SIZE = 500;

/**
 * Removes spend counters of days and months long past from all accounts, so that the documents do not grow for ever. No
 * hold lives that long, so nothing changes these counters any more. Returns how many were removed.
 */
export async function trimSpend(nowMs: number, signal: AbortSignal): Promise<number> {
  const accounts = nativeCollection<AccountDocument>(Account);
  const oldestDay = spendBuckets(new Date(nowMs - DAYS_KEPT * DAY_MS)).day;
  const oldestMonth = spendBuckets(new Date(nowMs - MONTHS_KEPT_DAYS * DAY_MS)).month;
  const isOld = (bucket: string) =>
    bucket.startsWith('d') ? bucket < oldestDay : bucket.startsWith('m') && bucket < oldestMonth;
  let removed = 0;
  let afterId = '';
  while (!signal.aborted) {
    const page = await accounts
      .find({ _id: { $gt: afterId } }, { projection: { spend: 1 } })
      .sort({ _id: 1 })
      .limit(PAGE_SIZE)
      .toArray();
    for (const account of page) {
      const fields = Object.entries(account.spend).flatMap(([keyId, spend]) =>
        Object.keys(spend)
          .filter(isOld)
          .map((bucket) => [`spend.${keyId}.${bucket}`, ''] as const),
      );
      if (fields.length > 0) await accounts.updateOne({ _id: account._id }, { $unset: Object.fromEntries(fields) });
      removed += fields.length;
    }
    afterId = page.at(-1)?._id ?? afterId;
    if (page.length < PAGE_SIZE) break;
  }
  return removed;
}
