/** PostgreSQL refuses to run as root, so under root its processes run as another account. */
import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

export type Account = {
  uid: number;
  gid: number;
  /** Some folder on the way to its files (/root, say, or a private temporary folder) is closed to it, so it keeps root's right of way. */
  passesEverywhere: boolean;
};

/** The account for postgres, which will work in `folders`, when this process is root; undefined means "as we are". */
export function postgresAccount(folders: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid === undefined || gid === undefined) continue;
    const account = { uid: Number(uid), gid: Number(gid), passesEverywhere: false };
    return { ...account, passesEverywhere: !folders.every((folder) => canEnter(account, folder)) };
  }
  throw new Error('postgres cannot run as root, and /etc/passwd has neither a postgres nor a nobody account');
}

/** Whether the account may pass through every folder down to `folder`, which must exist. */
function canEnter(account: Account, folder: string): boolean {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const { mode, uid, gid } = statSync(current);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (current === path.dirname(current)) return true;
  }
}

/** The command line that runs a program as the account. */
export function asAccount(
  account: Account | undefined,
  program: string,
  args: readonly string[],
): [program: string, args: string[]] {
  if (account === undefined) return [program, [...args]];
  const right = account.passesEverywhere
    ? ['--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
    : [];
  return [
    'setpriv',
    [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', ...right, program, ...args],
  ];
}

/** Makes a private folder that belongs to the account. */
export function makePrivate(account: Account | undefined, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
}
