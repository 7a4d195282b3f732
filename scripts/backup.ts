import { parseArgs } from 'node:util';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { listBackups } from '../src/backup/backup-files.ts';
import { takeBackup } from '../src/backup/take-backup.ts';
import type { Config } from '../src/config.ts';
import { createDeletionJournal } from '../src/privacy/deletion-journal.ts';
import { runScript, table, UsageError } from './environment.ts';

const USAGE = `Usage: npm run backup -- <command>

  take      a backup of the content into BACKUP_DIR and one of the keys into KEY_BACKUP_DIR, sealed for BACKUP_RECIPIENT;
            deletes what is past its term there and in the journal of deletions
  list      the backups that are there
  new-key   a pair of keys: BACKUP_RECIPIENT, and BACKUP_IDENTITY to be kept elsewhere until a restore needs it`;

type Command = (config: Config) => Promise<string>;

const DAY_MS = 86_400_000;

function needed(name: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${name} is not set (docs/configuration.md)`);
  return value;
}

function placesOf({ backup: { data, keys } }: Config) {
  return {
    data: { ...data, folder: needed('BACKUP_DIR', data.folder) },
    keys: { ...keys, folder: needed('KEY_BACKUP_DIR', keys.folder) },
  };
}

const take: Command = async (config) => {
  const recipient = needed('BACKUP_RECIPIENT', config.backup.recipient);
  const taken = await takeBackup(placesOf(config), recipient, Date.now);
  // One day more than the oldest backup, because it was begun before its name says.
  const before = new Date(Date.now() - (config.backup.data.retentionDays + 1) * DAY_MS);
  await createDeletionJournal(config.backup.journalFolder).dropBefore(before);
  return table([
    ['KIND', 'BYTES', 'MOMENT HELD BY', 'OLD ONES DELETED', 'FILE'],
    ...taken.map(({ kind, bytes, snapshot, dropped, file }) => [kind, String(bytes), snapshot, String(dropped), file]),
  ]);
};

const list: Command = async (config) => {
  const { data, keys } = placesOf(config);
  return [...(await listBackups(data.folder, 'data')), ...(await listBackups(keys.folder, 'keys'))].join('\n');
};

const newKey: Command = async () => {
  const identity = await generateX25519Identity();
  return `BACKUP_RECIPIENT=${await identityToRecipient(identity)}\nBACKUP_IDENTITY=${identity}`;
};

const COMMANDS: Readonly<Record<string, Command>> = { take, list, 'new-key': newKey };

await runScript(USAGE, (words) => {
  const [name = '', ...rest] = parseArgs({ args: words, allowPositionals: true, options: {} }).positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command || rest.length > 0) throw new UsageError(`unknown command "${words.join(' ')}"`);
  return ({ config }) => command(config);
});
