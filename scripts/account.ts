import { parseArgs } from 'node:util';
import type { Config } from '../src/config.ts';
import { isId, newId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import { Account, newAccount } from '../src/models/account.ts';
import { formatRub } from '../src/money.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npx tsx scripts/account.ts <command>

  create             make an account with nothing on it; prints its id
  contact <accountId> --email <e-mail> --language <ru|en> --reason <text>   the owner's address, kept sealed
  find --email <e-mail>   ids of the accounts whose owner has this address
  show <accountId>   balance, money held for open requests, status
  suspend <accountId> --reason <text>    refuse new requests; running ones are finished
  activate <accountId> --reason <text>   let a suspended account go on`;

type Command = (context: { config: Config; log: Logger }) => Promise<string>;

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

const CHANGES = new Map([
  ['suspend', 'accounts.suspend'],
  ['activate', 'accounts.activate'],
] as const);

function change(name: 'accounts.suspend' | 'accounts.activate', targetId: string, reason: string): Command {
  return async (context) => {
    await performByScript(context, { name, targetId, input: { reason } });
    return show(targetId);
  };
}

function find(email: string | undefined): Command {
  if (!email) throw new UsageError('--email is needed');
  return async (context) => {
    const { accountIds = [] } = await performByScript(context, { name: 'accounts.find', input: { email } });
    return accountIds.join('\n') || 'no account has this address';
  };
}

function contact(targetId: string, input: Readonly<Record<string, string | undefined>>): Command {
  return async (context) => {
    await performByScript(context, { name: 'accounts.contact', targetId, input });
    return `the contact of ${targetId} is set`;
  };
}

await runScript(USAGE, (words) => {
  const text = { type: 'string' } as const;
  const options = { reason: text, email: text, language: text };
  const { positionals, values } = parseArgs({ args: words, allowPositionals: true, options });
  const [name = '', accountId, ...rest] = positionals;
  if (name === 'create' && accountId === undefined) return create;
  const operation = name === 'suspend' || name === 'activate' ? CHANGES.get(name) : undefined;
  if (name === 'find' && accountId === undefined) return find(values.email);
  if (name !== 'show' && name !== 'contact' && !operation) throw new UsageError(`unknown command "${words.join(' ')}"`);
  if (accountId === undefined || rest.length > 0 || !isId('acc', accountId))
    throw new UsageError(`${name}: an account id is needed`);
  if (name === 'contact') return contact(accountId, values);
  if (!operation) return () => show(accountId);
  if (!values.reason) throw new UsageError('--reason is needed');
  return change(operation, accountId, values.reason);
});
