import { setTimeout as delay } from 'node:timers/promises';
import { checkAccount } from '../../src/billing/reconcile.ts';
import { Account, type AccountDocument } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';

/**
 * Waits until nothing is under way, then compares accounts, requests and ledger; mongoose must be connected. Gives what
 * is wrong, in a few words each; nothing when all is exact.
 */
export async function moneyProblems(timeoutMs: number, signal: AbortSignal): Promise<string[]> {
  const accounts = nativeCollection<AccountDocument>(Account);
  const giveUpAtMs = performance.now() + timeoutMs;
  for (;;) {
    const unsettled = await nativeCollection<RequestDocument>(Request).countDocuments({ settled: false });
    const rows = await accounts.find({}).toArray();
    const busy = rows.filter(({ open, outbox }) => open !== 0 || outbox.length > 0).length;
    if (unsettled === 0 && busy === 0) return [...(await wrongAccounts(rows)), ...(await wrongCharges())];
    if (performance.now() > giveUpAtMs) return [`${unsettled} requests not settled`, `${busy} accounts not at rest`];
    await delay(200, undefined, { signal });
  }
}

async function wrongAccounts(rows: readonly AccountDocument[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const row of rows) {
    const { problems } = await checkAccount(row);
    if (problems.length > 0 || row.availableMicros < 0n) wrong.push(`${row._id}: ${problems.join(' ')}`);
  }
  return wrong;
}

/** Every request is charged its cost, once. */
async function wrongCharges(): Promise<string[]> {
  const charged = new Map<string, bigint>();
  const ledger = nativeCollection<LedgerEntryDocument>(LedgerEntry);
  for await (const { requestId = '', amountMicros } of ledger.find({ kind: 'charge' }))
    charged.set(requestId, (charged.get(requestId) ?? 0n) - amountMicros);
  const wrong: string[] = [];
  const projection = { _id: 1, costMicros: 1 };
  for await (const row of nativeCollection<RequestDocument>(Request).find({}, { projection })) {
    if ((row.costMicros ?? 0n) !== (charged.get(row._id) ?? 0n)) wrong.push(`${row._id}: not charged its cost`);
    charged.delete(row._id);
  }
  return [...wrong, ...[...charged.keys()].map((id) => `${id}: charged without a request`)].slice(0, 10);
}
