import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import type { Finding } from './ledger-chain.ts';
import { raiseAlerts } from './reconciliation-alerts.ts';
import { segments } from './segments.ts';
import { inspectAccount } from './survey.ts';

/** The first account after this one that exists, or of which anything else does. */
async function nextAccountId(afterId: string): Promise<string | undefined> {
  const [account, row, record] = await Promise.all([
    nativeCollection<AccountDocument>(Account).findOne(
      { _id: { $gt: afterId } },
      { sort: { _id: 1 }, projection: { _id: 1 } },
    ),
    nativeCollection<LedgerEntryDocument>(LedgerEntry).findOne(
      { accountId: { $gt: afterId } },
      { sort: { accountId: 1, seq: 1 }, projection: { accountId: 1 } },
    ),
    // An account's records are named `<account>:<…>`, and the semicolon follows the colon.
    segments().findOne({ _id: { $gt: `${afterId};` } }, { sort: { _id: 1 }, projection: { accountId: 1 } }),
  ]);
  return [account?._id, row?.accountId, record?.accountId].filter((id) => id !== undefined).sort()[0];
}

/**
 * Looks at everything once, by itself and to the end: every account, also one of which only rows or records are left, with
 * all its ledger rows and all its charges. Raises alerts for what it finds. One account after the other, so that it can
 * run beside the service; the workers' walks are not waited for.
 * @param seen is called after every account.
 */
export async function checkEverything(
  log: Logger,
  seen: (accounts: number, findings: readonly Finding[]) => void = () => {},
): Promise<{ accounts: number; findings: Finding[] }> {
  const all: Finding[] = [];
  let accounts = 0;
  for (let id = await nextAccountId(''); id !== undefined; id = await nextAccountId(id)) {
    const findings = await inspectAccount(id);
    await raiseAlerts(findings, log);
    all.push(...findings);
    seen(++accounts, findings);
  }
  return { accounts, findings: all };
}
