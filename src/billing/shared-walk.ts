import { MongoServerError } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import {
  ReconciliationWalk,
  type ReconciliationWalkDocument,
  type WalkName,
  type WalkTotals,
} from '../models/reconciliation-walk.ts';

/**
 * A walk that several processes share: a page belongs to the one that moved the common position over it by
 * compare-and-set. There is no lease to wait for; what a process took and did not finish is looked at in the next pass.
 */

const DUPLICATE_KEY = 11_000;

const walks = () => nativeCollection<ReconciliationWalkDocument>(ReconciliationWalk);

/** `lastItems`: what the pass before came to; `undefined` when there was none. */
export type Place = { name: WalkName; pass: number; position: string; lastItems: number | undefined };

const itemsOf = ({ items }: WalkTotals): number | undefined => (items === undefined ? undefined : Number(items));

async function firstPass(name: WalkName, at: Date): Promise<void> {
  try {
    await walks().insertOne({ _id: name, pass: 1, position: '', isOver: false, startedAt: at, totals: {}, last: {} });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
  }
}

/**
 * Where the walk stands. Begins a new pass when the last one is over and began `intervalMs` ago (or, by a clock that
 * was wrong, in the future).
 * @returns `undefined` while there is nothing to do.
 */
export async function placeInWalk(name: WalkName, intervalMs: number, nowMs: number): Promise<Place | undefined> {
  const walk = await walks().findOne({ _id: name });
  if (!walk) {
    await firstPass(name, new Date(nowMs));
    return { name, pass: 1, position: '', lastItems: undefined };
  }
  if (!walk.isOver) return { name, pass: walk.pass, position: walk.position, lastItems: itemsOf(walk.last) };
  const ageMs = nowMs - walk.startedAt.getTime();
  if (ageMs >= 0 && ageMs < intervalMs) return undefined;
  const next = { pass: walk.pass + 1, position: '', isOver: false, startedAt: new Date(nowMs) };
  const result = await walks().updateOne(
    { _id: name, pass: walk.pass, isOver: true },
    { $set: { ...next, totals: {}, last: walk.totals } },
  );
  return result.matchedCount === 1
    ? { name, pass: next.pass, position: '', lastItems: itemsOf(walk.totals) }
    : undefined;
}

/**
 * Takes the page between `place` and `nextPosition`; `undefined` means that it is the last one.
 * @returns false when another process has taken it.
 */
export async function takePage(place: Place, nextPosition: string | undefined): Promise<boolean> {
  const { name, pass, position } = place;
  const set = nextPosition === undefined ? { isOver: true, endedAt: new Date() } : { position: nextPosition };
  const result = await walks().updateOne({ _id: name, pass, position, isOver: false }, { $set: set });
  return result.matchedCount === 1;
}

/** Adds what a page came to. Dropped when a later pass has begun. */
export async function addTotals(place: Place, totals: WalkTotals): Promise<void> {
  const increments = Object.fromEntries(Object.entries(totals).map(([name, value]) => [`totals.${name}`, value]));
  await walks().updateOne({ _id: place.name, pass: place.pass }, { $inc: increments });
}

/** The totals of the last pass that is over, and how long it took. */
export async function lastPass(name: WalkName): Promise<{ totals: WalkTotals; ms: number }> {
  const walk = await walks().findOne({ _id: name });
  if (!walk) return { totals: {}, ms: 0 };
  const ms = walk.isOver && walk.endedAt ? walk.endedAt.getTime() - walk.startedAt.getTime() : undefined;
  const wide = (totals: WalkTotals) => Object.fromEntries(Object.entries(totals).map(([key, n]) => [key, BigInt(n)]));
  if (ms !== undefined) return { totals: wide({ ...walk.totals, ms: BigInt(ms) }), ms };
  return { totals: wide(walk.last), ms: Number(walk.last.ms ?? 0) };
}
