import { parseArgs } from 'node:util';
import { beginRestore, endRestore } from '../src/backup/restore.ts';
import { checkAccount } from '../src/billing/reconcile.ts';
import type { Config } from '../src/config.ts';
import { Account, type AccountDocument } from '../src/models/account.ts';
import { nativeCollection } from '../src/models/connect.ts';
import { createDeletionJournal } from '../src/privacy/deletion-journal.ts';
import { createKeyStore } from '../src/privacy/key-store.ts';
import { replayDeletions } from '../src/privacy/replay-deletions.ts';
import { runScript, table, UsageError } from './environment.ts';

const USAGE = `Usage: npm run restore -- --data <file> [--keys <file>] [--without-journal]

Puts a backup into MONGODB_DATABASE, which has to be empty, opens it with BACKUP_IDENTITY, deletes again what the journal in
DELETION_JOURNAL_DIR tells, and compares every balance with the ledger. Until it is through nothing else connects to
the database; when it fails, run it again.

  --keys             a backup of the keys; without it the keys that are in the store of keys
  --without-journal  there is no journal, and what was deleted since the backup may come back`;

type Values = { data?: string; keys?: string; 'without-journal'?: boolean };

/** Accounts whose balance is not what their ledger says. The reconciler freezes them as soon as workers run. */
async function differingAccounts(): Promise<string[]> {
  const differing: string[] = [];
  for await (const account of nativeCollection<AccountDocument>(Account).find()) {
    const { problems } = await checkAccount(account);
    if (problems.length > 0) differing.push(`${account._id} (${problems.join(', ')})`);
  }
  return differing;
}

function restore(values: Values) {
  const { data: dataFile, keys: keysFile } = values;
  if (dataFile === undefined) throw new UsageError('--data is needed');
  return async ({ config }: { config: Config }): Promise<string> => {
    const { identity, journalFolder } = config.backup;
    if (identity === undefined) throw new Error('BACKUP_IDENTITY is not set: the private key that opens the backup');
    if (journalFolder === undefined && !values['without-journal'])
      throw new Error('DELETION_JOURNAL_DIR is not set, and what was deleted since the backup would come back');
    const restored = await beginRestore({ dataFile, keysFile, identity }, Date.now);
    const replayed = await replayDeletions(restored.restoreId, {
      journal: createDeletionJournal(journalFolder),
      keys: createKeyStore(config.secrets.masterKeys),
      signal: new AbortController().signal,
    });
    const differing = await differingAccounts();
    await endRestore(restored.restoreId, Date.now);
    return table([
      ['restore', restored.restoreId],
      ['as of', restored.takenAt.toISOString()],
      ['documents', String(restored.documents)],
      ['accounts with keys', keysFile === undefined ? 'those of the store' : String(restored.keys)],
      ['erasures repeated', String(replayed.erasures)],
      ['rows deleted again', String(replayed.removed)],
      ['act of that', replayed.actNumber === undefined ? 'none' : String(replayed.actNumber)],
      ['accounts that differ', differing.length === 0 ? 'none' : differing.join('; ')],
    ]);
  };
}

await runScript(
  USAGE,
  (words) => {
    const text = { type: 'string' } as const;
    const options = { data: text, keys: text, 'without-journal': { type: 'boolean' } } as const;
    return restore(parseArgs({ args: words, options }).values);
  },
  { isRestoring: true },
);
