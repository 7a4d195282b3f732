import { lowestIdAt } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry } from '../models/ledger-entry.ts';
import { allFromRaw, readRaw } from '../models/raw-rows.ts';
import { Request } from '../models/request.ts';
import { Rollup, type RollupDocument } from '../models/rollup.ts';
import { aggregateId } from './count-request.ts';
import { HOUR_MS } from './hour.ts';

/** Whether an hour's total is what its requests and the ledger say. Reads identifiers and amounts only, in pages. */

const PAGE_SIZE = 2_000;

/** A row that was tampered with may have another type. */
type SummedRow = { _id: string; kind?: string; amountMicros: bigint | number };
type Sum = { count: number; micros: bigint };

async function sumOf(model: typeof LedgerEntry | typeof Request, hour: Date): Promise<Sum> {
  const isLedger = model === LedgerEntry;
  const end = lowestIdAt('req', hour.getTime() + HOUR_MS);
  const projection = isLedger ? { amountMicros: 1, kind: 1 } : { _id: 1 };
  const sum: Sum = { count: 0, micros: 0n };
  let after = lowestIdAt('req', hour.getTime());
  for (;;) {
    const range = { _id: { $gte: after, $lt: end } };
    const page = await allFromRaw<SummedRow>(
      await readRaw<SummedRow>(model, range, { projection, sort: { _id: 1 }, limit: PAGE_SIZE }),
    );
    sum.count += page.length;
    for (const { kind, amountMicros } of page) if (kind === 'charge') sum.micros -= BigInt(amountMicros);
    const last = page.at(-1)?._id;
    if (last === undefined || page.length < PAGE_SIZE) return sum;
    after = `${last}\u0000`;
  }
}

export async function isExact(hour: Date): Promise<boolean> {
  const [requests, charges, total] = await Promise.all([
    sumOf(Request as never, hour),
    sumOf(LedgerEntry, hour),
    nativeCollection<RollupDocument>(Rollup).findOne({ _id: aggregateId({ kind: 'total', key: '', hour }) }),
  ]);
  return BigInt(requests.count) === (total?.requests ?? 0n) && charges.micros === (total?.revenueMicros ?? 0n);
}

/** The first moment from `hour` on at which there is a request; `undefined` when there is none. */
export async function firstRequestId(afterId: string): Promise<string | undefined> {
  const rows = nativeCollection<{ _id: string }>(Request);
  const first = await rows.findOne({ _id: { $gte: afterId } }, { projection: { _id: 1 }, sort: { _id: 1 } });
  return first?._id;
}
