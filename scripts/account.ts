import { parseArgs } from 'node:util';
import { isId, newId } from '../src/ids.ts';
import { Account, newAccount } from '../src/models/account.ts';
import { formatRub } from '../src/money.ts';
import { runScript, table, UsageError } from './environment.ts';

const USAGE = `Usage: npx tsx scripts/account.ts <command>

  create             make an account with nothing on it; prints its id
  show <accountId>   balance, money held for open requests, status`;

async function create(): Promise<string> {
  const account = newAccount(newId('acc'), new Date());
  await Account.create(account);
  return account._id;
}

async function show(accountId: string): Promise<string> {
  const account = await Account.findById(accountId, {
    status: 1,
    statusReason: 1,
    availableMicros: 1,
    heldMicros: 1,
    open: 1,
    createdAt: 1,
  }).lean();
  if (!account) throw new Error('the account does not exist');
  return table([
    ['account', account._id],
    ['status', account.statusReason ? `${account.status} (${account.statusReason})` : account.status],
    ['balance', `${formatRub(account.availableMicros)} RUB`],
    ['held', `${formatRub(account.heldMicros)} RUB`],
    ['open requests', String(account.open)],
    ['created', account.createdAt.toISOString()],
  ]);
}

await runScript(USAGE, (words) => {
  const [name = '', accountId, ...rest] = parseArgs({ args: words, allowPositionals: true, options: {} }).positionals;
  if (name === 'create' && accountId === undefined) return create;
  if (name !== 'show') throw new UsageError(`unknown command "${words.join(' ')}"`);
  if (accountId === undefined || rest.length > 0 || !isId('acc', accountId))
    throw new UsageError('show: an account id is needed');
  return () => show(accountId);
});
