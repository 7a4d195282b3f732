import { createAccount } from '../../src/billing/credit.ts';
import { createReconciler, reconciliationFigures } from '../../src/billing/reconciler.ts';
import { unresolvedAlerts } from '../../src/billing/reconciliation-alerts.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { Account, type AccountDocument } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../../src/models/ledger-entry.ts';

/** How fast the books are checked, by one process while it is at it. */
export type Books = {
  accounts: number;
  rows: number;
  /** Rows that were never seen, followed for the first time. */
  newRowsPerSecond: number;
  /** Old rows read again against the chain by a process that has not seen them before. */
  oldRowsPerSecond: number;
  /** The same by one that has found them right before. */
  knownRowsPerSecond: number;
  /** Accounts of which nothing has changed. */
  accountsPerSecond: number;
};

const ACCOUNTS = 1_000;
const ROWS_PER_ACCOUNT = 50;
const ROW_MICROS = 1_000_000n;
const INSERT_MAX = 5_000;

const ledger = () => nativeCollection<LedgerEntryDocument>(LedgerEntry);

function rowsOf(accountId: string): LedgerEntryDocument[] {
  return Array.from({ length: ROWS_PER_ACCOUNT }, (_, index) => ({
    _id: `adj:${accountId}:${index + 1}`,
    accountId,
    seq: BigInt(index + 1),
    amountMicros: ROW_MICROS,
    afterMicros: BigInt(index + 1) * ROW_MICROS,
    kind: 'adjustment' as const,
    at: new Date(),
  }));
}

async function writeBooks(): Promise<void> {
  let rows: LedgerEntryDocument[] = [];
  for (let index = 0; index < ACCOUNTS; index++) {
    const accountId = newId('acc');
    await createAccount(accountId);
    const [seq, availableMicros] = [BigInt(ROWS_PER_ACCOUNT), BigInt(ROWS_PER_ACCOUNT) * ROW_MICROS];
    await nativeCollection<AccountDocument>(Account).updateOne({ _id: accountId }, { $set: { seq, availableMicros } });
    rows.push(...rowsOf(accountId));
    if (rows.length >= INSERT_MAX) {
      await ledger().insertMany(rows, { ordered: false });
      rows = [];
    }
  }
  if (rows.length > 0) await ledger().insertMany(rows, { ordered: false });
}

/** Needs mongoose connected to a database in which nobody else checks. @throws when a difference is found. */
export async function measureBooks(): Promise<Books> {
  await writeBooks();
  const log = createLogger({ role: 'bench', level: 'silent' });
  const reconciler = createReconciler({ intervalMs: 0, rowsPerSecond: Number.POSITIVE_INFINITY }, log);
  const startedMs = performance.now();
  await reconciler.accounts();
  while ((await reconciliationFigures(Date.now())).accounts < ACCOUNTS) await reconciler.accounts();
  const newRowsPerSecond = (ACCOUNTS * ROWS_PER_ACCOUNT * 1_000) / (performance.now() - startedMs);
  await reconciler.all();
  const { accountsPerSecond, rowsPerSecond: oldRowsPerSecond } = await reconciliationFigures(Date.now());
  await reconciler.all();
  const { rowsPerSecond: knownRowsPerSecond } = await reconciliationFigures(Date.now());
  const alerts = await unresolvedAlerts();
  if (alerts.length > 0) throw new Error(`the books are not in order: ${alerts[0]?.kind}`);
  const rows = ACCOUNTS * ROWS_PER_ACCOUNT;
  return { accounts: ACCOUNTS, rows, newRowsPerSecond, oldRowsPerSecond, knownRowsPerSecond, accountsPerSecond };
}
