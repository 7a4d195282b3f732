import type { Filter } from 'mongodb';
import { lowestIdAt, timeOfId } from '../ids.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { allFromRaw, type RawPage, readRaw } from '../models/raw-rows.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import type { RollupIncrement, RollupWalkDocument } from '../models/rollup-walk.ts';
import { takeTurns } from '../turns.ts';
import { COUNTED, type CountedRequest, incrementsOf, RollupSum } from './count-request.ts';
import { HOUR_MS } from './hour.ts';

/** Which requests are counted next, and what they come to. Reads only. */

const PAGE_SIZE = 1_000;
/** While so many are not over, no more are looked at; nothing is lost, the figures only come later. */
const WAITING_MAX = 5_000;
/** A request's row is there at most so long after its identifier was made. */
export const LAG_MS = 60_000;
/** A charge that has not reached the ledger by then never will; reconciliation has told somebody. */
const CHARGE_PATIENCE_MS = 172_800_000;

type Charge = Pick<LedgerEntryDocument, 'requestId' | 'amountMicros'>;

export type Walk = Pick<RollupWalkDocument, 'position' | 'waiting' | 'recount'>;

export type NextBatch = {
  increments: RollupIncrement[];
  position: string;
  waiting: string[];
  /** Requests looked at for the first time. */
  rows: number;
  isLast: boolean;
};

const readRequests = async (filter: Filter<RequestDocument>, page: RawPage = {}): Promise<CountedRequest[]> =>
  allFromRaw(await readRaw<RequestDocument>(Request, filter, { projection: COUNTED, ...page }));

async function readPage({ position, waiting, recount }: Walk, nowMs: number): Promise<CountedRequest[]> {
  const after = recount?.position ?? position;
  const end = lowestIdAt('req', recount ? recount.hour.getTime() + HOUR_MS : nowMs - LAG_MS);
  const limit = recount ? PAGE_SIZE : Math.min(PAGE_SIZE, WAITING_MAX - waiting.length);
  if (limit <= 0) return [];
  return readRequests({ _id: { $gt: after, $lt: end } }, { sort: { _id: 1 }, limit });
}

async function readEnded(ids: readonly string[]): Promise<CountedRequest[]> {
  if (ids.length === 0) return [];
  return readRequests({ _id: { $in: [...ids] }, settled: true });
}

/** What the ledger has for these requests, by request. */
async function readCharges(ended: readonly CountedRequest[]): Promise<Map<string, bigint>> {
  const ids = ended.filter(({ costMicros = 0n }) => costMicros > 0n).map(({ _id }) => `${_id}:settle`);
  if (ids.length === 0) return new Map();
  const charged = { projection: { requestId: 1, amountMicros: 1 } };
  const raw = await readRaw<LedgerEntryDocument>(LedgerEntry, { _id: { $in: ids } }, charged);
  const entries = await allFromRaw<Charge>(raw);
  return new Map(entries.map(({ requestId = '', amountMicros }) => [requestId, -amountMicros]));
}

/** Over as many turns of the event loop as it needs: a page of requests takes as long as some chunks of a stream. */
async function addUp(
  counted: readonly CountedRequest[],
  charges: ReadonlyMap<string, bigint>,
): Promise<RollupIncrement[]> {
  const sum = new RollupSum();
  const turn = takeTurns();
  for (const request of counted) {
    sum.add(incrementsOf(request, charges.get(request._id) ?? 0n));
    const pause = turn();
    if (pause) await pause;
  }
  return sum.all();
}

/** What is over is counted; the rest waits, with what has not reached the ledger. */
export async function nextBatch(walk: Walk, nowMs: number): Promise<NextBatch> {
  const [page, late] = await Promise.all([readPage(walk, nowMs), readEnded(walk.waiting)]);
  const ended = [...page.filter(({ settled }) => settled), ...late];
  const charges = await readCharges(ended);
  const counted = ended.filter(
    ({ _id, costMicros = 0n }) => costMicros === 0n || charges.has(_id) || timeOfId(_id) < nowMs - CHARGE_PATIENCE_MS,
  );
  const isCounted = new Set(counted.map(({ _id }) => _id));
  const seen = [...walk.waiting, ...page.map(({ _id }) => _id)];
  return {
    increments: await addUp(counted, charges),
    position: page.at(-1)?._id ?? walk.recount?.position ?? walk.position,
    waiting: seen.filter((id) => !isCounted.has(id)),
    rows: page.length,
    isLast: page.length === 0,
  };
}
