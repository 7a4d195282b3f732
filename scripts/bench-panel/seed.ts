import type { Document } from 'mongodb';
import type { Model } from 'mongoose';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { Account } from '../../src/models/account.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry } from '../../src/models/ledger-entry.ts';
import { Request } from '../../src/models/request.ts';
import { RollupWalk, type RollupWalkDocument } from '../../src/models/rollup-walk.ts';
import { Staff } from '../../src/models/staff.ts';
import { rollUp } from '../../src/rollups/roll-up.ts';
import type { MeasurementContext } from '../run-measurement.ts';
import { accountRow, auditRow, type Book, bookOf, chargeOf, DAY_MS, DAYS, keyRow, requestRow } from './rows.ts';

/** Fills a fresh database that mongoose is connected to. Never more than a few batches are in memory. */

const BATCH = 1_000;
const WRITERS = 3;
const REQUESTS_PER_ACCOUNT = 100;
const REQUESTS_PER_AUDIT_ENTRY = 10;
const STAFF_COUNT = 20;
const PROGRESS_PARTS = 10;
const CLOSED_WITHIN_MS = 7_200_000;

type Context = Pick<MeasurementContext, 'note' | 'signal'>;

async function insert(model: Model<never>, rows: readonly object[]): Promise<void> {
  if (rows.length > 0) await nativeCollection<Document>(model).insertMany([...rows], { ordered: false });
}

/** Makes rows in order, batch by batch, and inserts a few batches at a time. */
async function insertAll(
  what: string,
  total: number,
  make: (first: number, count: number) => (() => Promise<void>)[],
  { note, signal }: Context,
): Promise<void> {
  let [next, noted] = [0, 0];
  const write = async () => {
    while (next < total) {
      signal.throwIfAborted();
      const first = next;
      const count = Math.min(BATCH, total - first);
      next += count;
      for (const one of make(first, count)) await one();
      const part = Math.floor((next * PROGRESS_PARTS) / total);
      if (part > noted) note(`  ${next} of ${total} ${what}`);
      noted = Math.max(noted, part);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

const numbers = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);

async function insertStaff(startMs: number): Promise<string[]> {
  const rows = numbers(0, STAFF_COUNT).map((n) => ({
    _id: newId('stf', startMs + n),
    email: `bench-${n}@example.com`,
    role: 'admin',
    status: 'active',
    recoveryCodes: [],
    createdAt: new Date(startMs + n),
  }));
  await insert(Staff as never, rows);
  return rows.map(({ _id }) => _id);
}

async function insertTraffic(total: number, startMs: number, books: readonly Book[], context: Context): Promise<void> {
  const byAccount = new Map(books.map((book) => [book.accountId, book]));
  const stepMs = (DAYS * DAY_MS) / total;
  const make = (first: number, count: number) => {
    const requests = numbers(first, count).map((n) => requestRow(n, new Date(startMs + Math.floor(n * stepMs)), books));
    const charges = requests.flatMap((request) => chargeOf(request, byAccount));
    return [() => insert(Request as never, requests), () => insert(LedgerEntry as never, charges)];
  };
  await insertAll('requests', total, make, context);
}

/** The product's own walk over the requests, until it has nothing left. */
export async function countAll({ note, signal }: Context): Promise<void> {
  const log = createLogger({ role: 'bench-panel', level: 'error' });
  const walks = nativeCollection<RollupWalkDocument>(RollupWalk);
  let notedDay = '';
  for (;;) {
    signal.throwIfAborted();
    await rollUp(Date.now(), log);
    const walk = await walks.findOne({ _id: 'requests' });
    const day = walk?.closedUpTo.toISOString().slice(0, 10) ?? '';
    if (day > notedDay) note(`  counted, closed up to ${day}`);
    notedDay = day;
    const isClosed = walk !== null && walk.closedUpTo.getTime() > Date.now() - CLOSED_WITHIN_MS;
    if (walk?.caughtUpAt && isClosed) return;
  }
}

/** So many ended requests with their ledger, accounts and audit log. */
export async function seedPanel(total: number, context: Context): Promise<void> {
  const startMs = Date.now() - DAYS * DAY_MS;
  const accounts = numbers(0, Math.max(10, Math.floor(total / REQUESTS_PER_ACCOUNT))).map((n) =>
    accountRow(n, startMs),
  );
  const books = accounts.map((account) => bookOf(account, startMs));
  const keys = books.flatMap(({ accountId, keyIds }) => keyIds.map((keyId) => keyRow(keyId, accountId, startMs)));
  for (let at = 0; at < keys.length; at += BATCH) await insert(ApiKey as never, keys.slice(at, at + BATCH));
  const staffIds = await insertStaff(startMs);
  await insertTraffic(total, startMs, books, context);
  const spent = accounts.map((account, n) => ({
    ...account,
    seq: books[n]?.seq,
    availableMicros: books[n]?.availableMicros,
  }));
  for (let at = 0; at < spent.length; at += BATCH) await insert(Account as never, spent.slice(at, at + BATCH));
  const entries = Math.floor(total / REQUESTS_PER_AUDIT_ENTRY);
  const stepMs = (DAYS * DAY_MS) / entries;
  const makeAudit = (first: number, count: number) => {
    const rows = numbers(first + 1, count).map((n) => auditRow(n, new Date(startMs + n * stepMs), staffIds, books));
    return [() => insert(AuditEntry as never, rows)];
  };
  await insertAll('audit entries', entries, makeAudit, context);
}
