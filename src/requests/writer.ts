import { randomUUID } from 'node:crypto';
import { type AnyBulkWriteOperation, MongoBulkWriteError, type WithId } from 'mongodb';
import { createGroupCommit } from '../group-commit.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import {
  claimUpdate,
  deliveryCreatedUpdate,
  type Finish,
  finishUpdate,
  settledUpdate,
  type Transition,
  takeOverUpdate,
} from './updates.ts';

/**
 * Group commit over the writes of requests: one writer per kind. Where not every update of a group matched, the rows
 * themselves are read to tell each caller its own outcome.
 */
export type RequestWriter = {
  /** False when the account used this Idempotency-Key before. `durable` asks for a majority write. */
  insert(request: RequestDocument, durable: boolean): Promise<boolean>;
  /** The request as this claim left it, or null when it is not to be had (terminal, or leased by a live worker). */
  claim(requestId: string): Promise<WithId<RequestDocument> | null>;
  /** False when the lease was lost: someone else decides about this request now. */
  finish(finish: Finish): Promise<boolean>;
  /** Within `MARK_GATHER_MS`: a hint that nobody waits for, so that most marks share a statement. */
  markSettled(requestId: string): Promise<void>;
  /** The same for the mark that the request's delivery is there. */
  markDeliveryCreated(requestId: string): Promise<void>;
  /** Writes the marks that wait; also for a sweeper that would do again what they are about. */
  marksWritten(): Promise<void>;
};

type Mark = { requestId: string; kind: 'settled' | 'delivery_created' };

const GROUP_MAX = 100;
const MARK_GATHER_MS = 200;
const DUPLICATE_KEY = 11_000;
const CLAIM_READ_RETRY_MS = 100;

const requests = () => nativeCollection<RequestDocument>(Request);

export function createRequestWriter(options: { worker: string; leaseMs: number }): RequestWriter {
  const inserts = (durable: boolean) =>
    createGroupCommit<RequestDocument, boolean>({
      flush: (items) => flushInserts(items, durable ? 'majority' : 1),
      itemsMax: GROUP_MAX,
      flightsMax: 2,
    });
  const durableInserts = inserts(true);
  const quickInserts = inserts(false);
  const claims = createGroupCommit<string, WithId<RequestDocument> | null>({
    flush: (ids) => flushClaims(ids, options.worker, options.leaseMs),
    itemsMax: GROUP_MAX,
    flightsMax: 2,
  });
  const finishes = createGroupCommit<Finish, boolean>({ flush: flushFinishes, itemsMax: GROUP_MAX, flightsMax: 2 });
  // One flight of both kinds: they are of the same rows, and the evaluation engine loses one of two updates of many rows
  // that meet there, though it says of both that they matched.
  const marks = createGroupCommit<Mark, true>({ flush: flushMarks, itemsMax: GROUP_MAX, gatherMs: MARK_GATHER_MS });
  const mark = (kind: Mark['kind']) => async (requestId: string) => {
    await marks.submit({ requestId, kind });
  };
  return {
    insert: (request, durable) => (durable ? durableInserts : quickInserts).submit(request),
    claim: (requestId) => claims.submit(requestId),
    finish: (finish) => finishes.submit(finish),
    markSettled: mark('settled'),
    markDeliveryCreated: mark('delivery_created'),
    marksWritten: marks.drain,
  };
}

async function flushInserts(items: RequestDocument[], w: 'majority' | 1): Promise<(boolean | Error)[]> {
  try {
    await requests().insertMany(items, { ordered: false, writeConcern: { w } });
    return items.map(() => true);
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = new Map(
      (Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors]).map((one) => [one.index, one]),
    );
    if (failures.size === 0) throw error;
    // A retried insert can meet its own first try, and a bulk that broke off says nothing of its rest: the rows tell.
    const found = await requests()
      .find({ _id: { $in: items.map(({ _id }) => _id) } }, { projection: { _id: 1 } })
      .toArray();
    const present = new Set(found.map(({ _id }) => _id));
    return items.map((item, index) => {
      if (present.has(item._id)) return true;
      return failures.get(index)?.code === DUPLICATE_KEY ? false : new Error('insert refused', { cause: error });
    });
  }
}

function operation({ filter, update }: Transition): AnyBulkWriteOperation<RequestDocument> {
  return { updateOne: { filter, update } } as AnyBulkWriteOperation<RequestDocument>;
}

type Claimed = WithId<RequestDocument>;

/** First what waits; for the rest, take-overs of dead leases, which are rare. */
async function flushClaims(ids: string[], worker: string, leaseMs: number): Promise<(Claimed | null)[]> {
  const token = randomUUID();
  const transition = { ids, token, leaseMs };
  const claimed = await claimWith(transition, (requestId) => claimUpdate({ requestId, worker, token, leaseMs }));
  const rest = ids.filter((requestId) => !claimed.has(requestId));
  const taken =
    rest.length === 0
      ? claimed
      : await claimWith({ ...transition, ids: rest }, (requestId) =>
          takeOverUpdate({ requestId, worker, token, leaseMs }),
        );
  const won = new Map([...claimed, ...taken]);
  // Two jobs of one request may meet in a group: only the first gets it, or both would call the provider.
  return ids.map((requestId) => {
    const request = won.get(requestId) ?? null;
    won.delete(requestId);
    return request;
  });
}

async function claimWith(
  { ids, token, leaseMs }: { ids: string[]; token: string; leaseMs: number },
  transitionOf: (requestId: string) => Transition,
): Promise<Map<string, Claimed>> {
  const [only] = ids;
  try {
    if (only !== undefined && ids.length === 1) {
      const { filter, update } = transitionOf(only);
      const after = await requests().findOneAndUpdate(filter, update, {
        returnDocument: 'after',
        writeConcern: { w: 1 },
      });
      return after?.claimToken === token ? new Map([[only, after]]) : new Map();
    }
    await requests().bulkWrite(
      ids.map((requestId) => operation(transitionOf(requestId))),
      { ordered: false, writeConcern: { w: 1 } },
    );
  } catch {
    // Unknown outcome: the token on the rows tells which claims are ours.
  }
  const mine = await readClaimed(ids, token, leaseMs / 2);
  return new Map(mine.map((request) => [request._id, request]));
}

/** A claim that nobody comes for ends as interrupted, so its row is asked for again while its lease has time left. */
async function readClaimed(ids: string[], token: string, patienceMs: number): Promise<Claimed[]> {
  const giveUpAtMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await requests()
        .find({ _id: { $in: ids }, claimToken: token })
        .toArray();
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, CLAIM_READ_RETRY_MS));
    }
  }
}

/** How many of them matched. A bulk of one costs the driver more than the update in it. */
async function writeFinishes(items: readonly Finish[]): Promise<number> {
  const [only] = items;
  if (only && items.length === 1) {
    const { filter, update } = finishUpdate(only);
    return (await requests().updateOne(filter, update)).matchedCount;
  }
  const operations = items.map((item) => operation(finishUpdate(item)));
  return (await requests().bulkWrite(operations, { ordered: false })).matchedCount;
}

async function flushFinishes(items: Finish[]): Promise<(boolean | Error)[]> {
  let failure: unknown;
  try {
    if ((await writeFinishes(items)) === items.length) return items.map(() => true);
  } catch (error) {
    failure = error;
  }
  // Not all matched, or the outcome is unknown: the same attempt standing there terminal means that ours landed.
  const found = await requests()
    .find({ _id: { $in: items.map(({ requestId }) => requestId) } }, { projection: { state: 1, attempt: 1 } })
    .toArray();
  const byId = new Map(found.map((request) => [request._id, request]));
  return items.map((item) => {
    const now = byId.get(item.requestId);
    if (now && now.attempt === item.attempt && now.state === item.state) return true;
    const stillMine = now?.attempt === item.attempt && now.state === 'running';
    return failure && stillMine ? new Error('finish not written', { cause: failure }) : false;
  });
}

async function flushMarks(marks: Mark[]): Promise<true[]> {
  const of = (kind: Mark['kind']) => marks.filter((mark) => mark.kind === kind).map(({ requestId }) => requestId);
  const [settled, delivered] = [of('settled'), of('delivery_created')];
  // The same for all of a kind, so a group is one statement.
  const updates = [
    ...(settled.length > 0 ? [settledUpdate(settled, new Date())] : []),
    ...(delivered.length > 0 ? [deliveryCreatedUpdate(delivered)] : []),
  ];
  const [only] = updates;
  // A bulk of one costs the driver more than the update in it.
  if (only && updates.length === 1) await requests().updateMany(only.filter, only.update, { writeConcern: { w: 1 } });
  else {
    const operations = updates.map((updateMany) => ({ updateMany }) as AnyBulkWriteOperation<RequestDocument>);
    await requests().bulkWrite(operations, { ordered: true, writeConcern: { w: 1 } });
  }
  return marks.map(() => true);
}
