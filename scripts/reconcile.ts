import { parseArgs } from 'node:util';
import { checkEverything } from '../src/billing/full-check.ts';
import { unresolvedAlerts } from '../src/billing/reconciliation-alerts.ts';
import { inspectAccount } from '../src/billing/survey.ts';
import { isId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run reconcile -- <command>

  alerts                what the running checks have found and nobody has dealt with
  full                  look at every account, ledger row and charge once, now
  check <accountId>     check one account now
  release <accountId> --by <person>   let a frozen account spend again, if its books are in order

Exits with 1 when anything is wrong.`;

const ACCOUNTS_PER_LINE = 1_000;

type Line = { accountId: string; kind: string; seq: bigint; expected: string; found: string };

function report(lines: readonly Line[]): string {
  if (lines.length === 0) return 'The books are in order.';
  process.exitCode = 1;
  const header = ['ACCOUNT', 'WHAT', 'ROW', 'EXPECTED', 'FOUND'];
  return table([header, ...lines.map((one) => [one.accountId, one.kind, String(one.seq), one.expected, one.found])]);
}

async function everything(log: Logger): Promise<string> {
  const { accounts, findings } = await checkEverything(log, (seen) => {
    if (seen % ACCOUNTS_PER_LINE === 0) process.stderr.write(`${seen} accounts\n`);
  });
  return `${accounts} accounts looked at.\n${report(findings)}`;
}

await runScript(USAGE, (words) => {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { by: { type: 'string' } },
  });
  const [name = '', id, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unknown words: ${rest.join(' ')}`);
  if (name === 'alerts' && id === undefined) return async () => report(await unresolvedAlerts());
  if (name === 'full' && id === undefined) return ({ log }) => everything(log);
  if (name !== 'check' && name !== 'release') throw new UsageError(`unknown command "${words.join(' ')}"`);
  if (id === undefined || !isId('acc', id)) throw new UsageError(`${name}: an account id is needed`);
  if (name === 'check') return async () => report(await inspectAccount(id));
  const { by } = values;
  if (by === undefined) throw new UsageError('release: --by is needed');
  return async (context) => {
    const command = { name: 'accounts.release', targetId: id, input: { reason: 'by script' } } as const;
    await performByScript(context, command, by);
    return `${id} may spend again.`;
  };
});
