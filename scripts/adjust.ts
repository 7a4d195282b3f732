import { parseArgs } from 'node:util';
import { findAdjustment, listAdjustments } from '../src/billing/adjustments.ts';
import type { Config } from '../src/config.ts';
import { isId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import type { AdjustmentDocument } from '../src/models/adjustment.ts';
import { formatRub } from '../src/money.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const DEFAULT_REASON = 'by script';
const USAGE = `Usage: npm run adjust -- <command>

  propose --account <accountId> --rub=<-12.50> --reason <text> --by <person>
                              add money, or take it; somebody else has to approve
  propose --account <accountId> --books --reason <text> --by <person>
                              accept the books of a frozen account as they are, with an entry for what they do not explain
  approve <adjustmentId> --by <another person>
  reject <adjustmentId> --by <person>
  list [--account <accountId>]`;

type Context = { config: Config; log: Logger };
type Values = { account?: string; rub?: string; books?: boolean; reason?: string; by?: string };

function needed(name: keyof Values, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

function account({ account: accountId }: Values): string {
  if (accountId === undefined || !isId('acc', accountId)) throw new UsageError('--account: an account id is needed');
  return accountId;
}

function shown(adjustment: AdjustmentDocument): string {
  const { _id, accountId, type, amountMicros, state, reason, proposedBy, decidedBy } = adjustment;
  const { breaks = [], charges = [], holds = [] } = adjustment;
  return table([
    ['adjustment', _id],
    ['account', accountId],
    ['what', type === 'money' ? 'moves the balance' : 'corrects the books; the balance stays'],
    ['amount', `${formatRub(amountMicros)} RUB`],
    ['state', state],
    ['reason', reason],
    ['proposed by', proposedBy],
    ...(decidedBy === undefined ? [] : [['decided by', decidedBy]]),
    ...(breaks.length > 0 ? [['rows accepted', breaks.map(({ seq }) => String(seq)).join(', ')]] : []),
    ...charges.map(({ requestId, expected, found }) => [`charge accepted`, `${requestId}: ${found} for ${expected}`]),
    ...holds.map(({ requestId, fromMicros, toMicros }) => [
      'hold restored',
      `${requestId}: ${formatRub(fromMicros)} to ${formatRub(toMicros)} RUB`,
    ]),
  ]);
}

async function propose(context: Context, values: Values): Promise<string> {
  const [targetId, reason, by] = [account(values), needed('reason', values.reason), needed('by', values.by)];
  if (values.books === (values.rub !== undefined)) throw new UsageError('propose: either --rub or --books is needed');
  const command = values.books
    ? ({ name: 'adjustments.propose-correction', targetId, input: { reason } } as const)
    : ({ name: 'adjustments.propose', targetId, input: { rubles: values.rub, reason } } as const);
  const { madeId = '' } = await performByScript(context, command, by);
  return shown(await findAdjustment(madeId));
}

async function decide(context: Context, name: 'approve' | 'reject', targetId: string, values: Values): Promise<string> {
  const input = { reason: values.reason ?? DEFAULT_REASON };
  await performByScript(context, { name: `adjustments.${name}`, targetId, input }, needed('by', values.by));
  return shown(await findAdjustment(targetId));
}

async function list(values: Values): Promise<string> {
  const found = await listAdjustments(values.account === undefined ? undefined : account(values));
  if (found.length === 0) return 'There are no adjustments.';
  const header = ['ADJUSTMENT', 'ACCOUNT', 'TYPE', 'RUB', 'STATE', 'PROPOSED BY', 'DECIDED BY'];
  const rows = found.map((one) => [
    one._id,
    one.accountId,
    one.type,
    formatRub(one.amountMicros),
    one.state,
    one.proposedBy,
    one.decidedBy ?? '',
  ]);
  return table([header, ...rows]);
}

await runScript(USAGE, (words) => {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      account: { type: 'string' },
      rub: { type: 'string' },
      books: { type: 'boolean', default: false },
      reason: { type: 'string' },
      by: { type: 'string' },
    },
  });
  const [name = '', id, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unknown words: ${rest.join(' ')}`);
  if (name === 'propose' && id === undefined) return (context) => propose(context, values);
  if (name === 'list' && id === undefined) return () => list(values);
  if (name !== 'approve' && name !== 'reject') throw new UsageError(`unknown command "${words.join(' ')}"`);
  if (id === undefined || !isId('adj', id)) throw new UsageError(`${name}: an adjustment id is needed`);
  return (context) => decide(context, name, id, values);
});
