import type { Document } from 'mongodb';
import { rowsOf } from './class-rows.ts';
import { CACHE_TTL_MS, type ContentCipher } from './content-key.ts';
import type { DataClass, MongoStore, SealedField } from './data-class.ts';
import type { KeyStore } from './key-store.ts';
import { ROW_CLASSES } from './row-classes.ts';
import { keyVersionOf, toBytes } from './sealing.ts';

/** The second half of a rotation: what older generations of an account's data key have sealed is sealed anew. */

export type ResealReport = {
  version: number;
  resealed: number;
  /** The older generations are gone: nothing was under them, and no process can seal with them any more. */
  dropped: boolean;
};

type Dependencies = {
  store: Pick<KeyStore, 'load' | 'dropBefore' | 'newestSince'>;
  cipher: Pick<ContentCipher, 'seal' | 'open'>;
};

const BATCH_MAX = 200;
/** Processes that know the older generation only have forgotten it by then. */
const SETTLED_MS = 2 * CACHE_TTL_MS;

/**
 * Seals anew what is under older generations, in bounded batches, each field by compare-and-set on its old bytes; what
 * changes meanwhile is left to the next run. Running it again goes on.
 * @throws when the account has no key.
 */
export async function resealAccount(
  accountId: string,
  { store, cipher }: Dependencies,
  signal: AbortSignal,
): Promise<ResealReport> {
  const { newest } = await store.load(accountId, false);
  const isSettled = Date.now() - (await store.newestSince(accountId)) > SETTLED_MS;
  let resealed = 0;
  for (const row of ROW_CLASSES) {
    if (row.store.sealed) resealed += await resealClass(row, accountId, newest, cipher, signal);
  }
  // Only a pass that found nothing shows that nothing is left, and only of a time at which nothing could be added.
  const dropped = isSettled && resealed === 0 && !signal.aborted;
  if (dropped) await store.dropBefore(accountId, newest);
  return { version: newest, resealed, dropped };
}

async function resealClass(
  row: DataClass<MongoStore>,
  accountId: string,
  newest: number,
  cipher: Dependencies['cipher'],
  signal: AbortSignal,
): Promise<number> {
  let resealed = 0;
  for (let afterId = ''; !signal.aborted; ) {
    const page = await rowsOf(row)
      .find({ $and: [{ [row.store.owner]: accountId }, { _id: { $gt: afterId } }] } as never)
      .sort({ _id: 1 })
      .limit(BATCH_MAX)
      .toArray();
    const last = page.at(-1);
    if (!last) break;
    for (const one of page) {
      for (const field of row.store.sealed ?? []) {
        if (await resealField(row, one, field, { accountId, newest, cipher })) resealed++;
      }
    }
    afterId = last._id;
  }
  return resealed;
}

async function resealField(
  row: DataClass<MongoStore>,
  document: Document & { _id: string },
  { field, context, isList }: SealedField,
  { accountId, newest, cipher }: { accountId: string; newest: number } & Pick<Dependencies, 'cipher'>,
): Promise<boolean> {
  const value: unknown = field.split('.').reduce<Document | undefined>((at, name) => at?.[name], document);
  if (value === undefined || value === null) return false;
  const old = (isList ? value : [value]) as Uint8Array[];
  if (old.every((bytes) => keyVersionOf(toBytes(bytes)) === newest)) return false;
  const place = context(document._id);
  const fresh = await Promise.all(
    old.map(async (bytes) => cipher.seal(accountId, place, await cipher.open(accountId, place, toBytes(bytes)))),
  );
  const { matchedCount } = await rowsOf(row).updateOne(
    { _id: document._id, [field]: value } as never,
    { $set: { [field]: isList ? fresh : fresh[0] } } as never,
  );
  return matchedCount === 1;
}
