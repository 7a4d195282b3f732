import { randomUUID } from 'node:crypto';
import { type AnyBulkWriteOperation, type Document, MongoBulkWriteError } from 'mongodb';
import { createGroupCommit } from '../group-commit.ts';
import { nativeCollection } from '../models/connect.ts';
import { Delivery, type DeliveryDocument } from '../models/delivery.ts';
import { type ClaimedDelivery, claimUpdate, releaseUpdate, type Transition } from './delivery-rows.ts';

/** Group commit over the writes of deliveries: one writer per kind. */
export type DeliveryWriter = {
  /** Inserts a row; one that exists already is left as it is. */
  insert(row: DeliveryDocument): Promise<void>;
  /** Takes a due, pending row nobody holds, and counts the attempt. `undefined`: not there, not due, or held. */
  claim(deliveryId: string): Promise<ClaimedDelivery | undefined>;
  /** Writes to a claimed row and lets it go. False when it is no longer ours. */
  release(claimed: ClaimedDelivery, fields: Document): Promise<boolean>;
};

type Release = { claimed: ClaimedDelivery; fields: Document };

const GROUP_MAX = 100;
/** A receiver has answered already; only a crash meanwhile has it hear the event again. */
const RELEASE_GATHER_MS = 20;
const DUPLICATE_KEY = 11_000;

const rows = () => nativeCollection<DeliveryDocument>(Delivery);

export function createDeliveryWriter(leaseMs: number): DeliveryWriter {
  const bounds = { itemsMax: GROUP_MAX, flightsMax: 2 };
  const inserts = createGroupCommit<DeliveryDocument, true>({ flush: flushInserts, ...bounds });
  const claims = createGroupCommit<string, ClaimedDelivery | undefined>({
    flush: (ids) => flushClaims(ids, leaseMs),
    ...bounds,
  });
  const releases = createGroupCommit<Release, boolean>({
    flush: flushReleases,
    gatherMs: RELEASE_GATHER_MS,
    ...bounds,
  });
  return {
    insert: async (row) => {
      await inserts.submit(row);
    },
    claim: (deliveryId) => claims.submit(deliveryId),
    release: (claimed, fields) => releases.submit({ claimed, fields }),
  };
}

async function flushInserts(items: DeliveryDocument[]): Promise<(true | Error)[]> {
  try {
    await rows().insertMany(items, { ordered: false });
    return items.map(() => true);
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = [error.writeErrors].flat();
    if (failures.length === 0) throw error;
    const refused = new Map(failures.map((one) => [one.index, one]));
    return items.map((_, index) => {
      const code = refused.get(index)?.code;
      return code === undefined || code === DUPLICATE_KEY ? true : new Error('delivery refused', { cause: error });
    });
  }
}

function operation({ filter, update }: Transition): AnyBulkWriteOperation<DeliveryDocument> {
  return { updateOne: { filter, update } } as AnyBulkWriteOperation<DeliveryDocument>;
}

async function flushClaims(ids: string[], leaseMs: number): Promise<(ClaimedDelivery | undefined)[]> {
  const token = randomUUID();
  const won = new Map((await claimAll([...new Set(ids)], token, leaseMs)).map((row) => [row._id, row]));
  // Two jobs of one delivery may meet in a group: only the first gets it, or it would be sent twice.
  return ids.map((id) => {
    const row = won.get(id);
    won.delete(id);
    return row;
  });
}

async function claimAll(ids: string[], token: string, leaseMs: number): Promise<ClaimedDelivery[]> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) {
    const { filter, update } = claimUpdate(only, token, leaseMs);
    const row = await rows().findOneAndUpdate(filter, update, { returnDocument: 'after', promoteBuffers: true });
    return row?.claimToken === token ? [row as ClaimedDelivery] : [];
  }
  await rows().bulkWrite(
    ids.map((id) => operation(claimUpdate(id, token, leaseMs))),
    { ordered: false },
  );
  const mine = await rows()
    .find({ _id: { $in: ids }, claimToken: token }, { promoteBuffers: true })
    .toArray();
  return mine as ClaimedDelivery[];
}

async function writeReleases(items: readonly Release[]): Promise<number> {
  const transitions = items.map(({ claimed, fields }) => releaseUpdate(claimed, fields));
  const [only] = transitions;
  if (only && transitions.length === 1) return (await rows().updateOne(only.filter, only.update)).matchedCount;
  return (await rows().bulkWrite(transitions.map(operation), { ordered: false })).matchedCount;
}

async function flushReleases(items: Release[]): Promise<(boolean | Error)[]> {
  let failure: unknown;
  try {
    if ((await writeReleases(items)) === items.length) return items.map(() => true);
  } catch (error) {
    failure = error;
  }
  // Not all matched, or the outcome is unknown: our claim's token on a row that nobody holds means that ours landed.
  const found = await rows()
    .find({ _id: { $in: items.map(({ claimed }) => claimed._id) } }, { projection: { claimToken: 1, leaseUntil: 1 } })
    .toArray();
  const byId = new Map(found.map((row) => [row._id, row]));
  return items.map(({ claimed }) => {
    const now = byId.get(claimed._id);
    if (now?.claimToken !== claimed.claimToken) return false;
    if (now.leaseUntil === undefined) return true;
    return failure ? new Error('delivery not written', { cause: failure }) : false;
  });
}
