import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { Adjustment } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import type { Blocker, Manifest, ManifestClass } from '../models/privacy-request.ts';
import { ReconciliationAlert } from '../models/reconciliation-alert.ts';
import { Request } from '../models/request.ts';
import { formatRub } from '../money.ts';
import { countRows } from './class-rows.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import { canonical } from './destruction-acts.ts';
import { activeHolds } from './legal-holds.ts';
import { ROW_CLASSES } from './row-classes.ts';

/** The dry run of an erasure: per class what would happen to how many rows, and what stands in the way. */

/** Counts may move this much between approval and execution: a request ends, a delivery is tried. */
const DRIFT_ROWS = 20;
const DRIFT_SHARE = 0.1;

/** @throws `not_found` for the account. */
export async function buildManifest(accountId: string): Promise<Manifest> {
  const account = await nativeCollection<AccountDocument>(Account).findOne({ _id: accountId });
  if (!account) throw new AppError('not_found', { message: 'There is no such account.' });
  const classes: ManifestClass[] = [];
  for (const row of ROW_CLASSES) classes.push(await countedClass(row, accountId));
  const blockers = await findBlockers(account);
  const plan = { accountId, classes, blockers };
  return { ...plan, at: new Date(), hash: manifestHash(plan) };
}

/** What is approved: a hash over what would be done, and not over when it was counted. */
export function manifestHash({
  accountId,
  classes,
  blockers,
}: Pick<Manifest, 'accountId' | 'classes' | 'blockers'>): string {
  return createHash('sha256').update(canonical({ accountId, classes, blockers })).digest('hex');
}

async function countedClass(row: DataClass<MongoStore>, accountId: string): Promise<ManifestClass> {
  const { erasure } = row;
  return {
    classId: row.id,
    category: row.category.ru,
    action: erasure.action,
    rows: Number(await countRows(row, accountId)),
    ...('norm' in erasure ? { norm: erasure.norm, until: erasure.until } : {}),
  };
}

async function findBlockers(account: AccountDocument): Promise<Blocker[]> {
  const accountId = account._id;
  const blockers: Blocker[] = [];
  // Money that nobody gives back must not be burnt by a deletion.
  if (account.availableMicros > 0n)
    blockers.push({ code: 'balance', detail: `${formatRub(account.availableMicros)} RUB` });
  if (account.open > 0) blockers.push({ code: 'open_requests', detail: String(account.open) });
  const unsettled = await nativeCollection(Request).countDocuments({ accountId, settled: false });
  if (unsettled > 0 || account.outbox.length > 0)
    blockers.push({ code: 'unsettled', detail: String(unsettled + account.outbox.length) });
  const adjustments = await nativeCollection(Adjustment).countDocuments({
    accountId,
    state: { $in: ['proposed', 'approved'] },
  });
  if (adjustments > 0) blockers.push({ code: 'adjustment', detail: String(adjustments) });
  const alerts = await nativeCollection(ReconciliationAlert).countDocuments({ accountId, unresolved: true });
  if (alerts > 0) blockers.push({ code: 'alert', detail: String(alerts) });
  for (const { norm } of await activeHolds(accountId)) blockers.push({ code: 'legal_hold', detail: norm });
  return blockers;
}

/** Whether what would be destroyed now is no longer what was approved: another class has rows, or far more of them. */
export function hasDrifted(approved: Manifest, now: Manifest): boolean {
  if (now.blockers.length > 0) return true;
  const before = new Map(approved.classes.map((one) => [one.classId, one]));
  return now.classes.some(({ classId, action, rows }) => {
    const known = before.get(classId);
    if (!known || known.action !== action) return true;
    return rows - known.rows > Math.max(DRIFT_ROWS, known.rows * DRIFT_SHARE);
  });
}
