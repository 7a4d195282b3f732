import { randomBytes } from 'node:crypto';
import { nativeCollection } from '../models/connect.ts';
import { DataKey, type DataKeyDocument, type WrappedKey } from '../models/data-key.ts';
import { KEY_BYTES, openWith, placeOf, sealWith, toBytes } from './sealing.ts';

/** The accounts' data keys at rest: made, unwrapped, rotated, destroyed. Every change is a compare-and-set. */

/** Version -> 32 bytes; the highest version wraps, the others still unwrap. */
export type MasterKeys = ReadonlyMap<number, Uint8Array>;

/** Generations of an account's data key, by version. */
export type DataKeys = { newest: number; keys: ReadonlyMap<number, Buffer> };

export type KeyStatus = {
  masterKeyVersion: number;
  /** Accounts with a key under each version of the master key. */
  accountsByMasterKey: Record<string, number>;
  /** Accounts with more than one generation of their key: content waits to be sealed again. */
  rotating: number;
  destroyed: number;
};

export type KeyStore = {
  /** The account's keys; makes the first when `create` and there never was one. Throws when they were destroyed. */
  load(accountId: string, create: boolean): Promise<DataKeys>;
  /** Wraps every key under the newest master key; content is not touched. A key that does not unwrap is left and counted. */
  rotateMaster(signal: AbortSignal): Promise<{ changed: number; unreadable: number }>;
  /** Adds a generation, which seals from now on (within a minute in processes that know the older). Gives its version. */
  rotateAccount(accountId: string): Promise<number>;
  /** When the newest generation was made, in milliseconds. */
  newestSince(accountId: string): Promise<number>;
  /** Forgets generations before `version`. Nothing sealed by them can be opened afterwards. */
  dropBefore(accountId: string, version: number): Promise<void>;
  /** For ever, and so that none is made anew. False when an earlier call did it. */
  destroy(accountId: string): Promise<boolean>;
  status(): Promise<KeyStatus>;
};

const BATCH_MAX = 500;
const VERSION_MAX = 65_535;

const documents = () => nativeCollection<DataKeyDocument>(DataKey);
const placeOfKey = (accountId: string, key: Pick<WrappedKey, 'version' | 'masterKeyVersion'>) =>
  placeOf(key.masterKeyVersion, accountId, `data_keys|${key.version}`);

export function createKeyStore(masterKeys: MasterKeys): KeyStore {
  const newestMaster = Math.max(...masterKeys.keys());

  function master(version: number): Uint8Array {
    const key = masterKeys.get(version);
    if (!key) throw new Error(`master key version ${version} is not configured`);
    return key;
  }

  function unwrap(accountId: string, key: WrappedKey): Buffer {
    return openWith(master(key.masterKeyVersion), placeOfKey(accountId, key), toBytes(key.wrapped));
  }

  function wrap(accountId: string, version: number, plain: Uint8Array, createdAt: Date): WrappedKey {
    const place = placeOfKey(accountId, { version, masterKeyVersion: newestMaster });
    const wrapped = sealWith(master(newestMaster), newestMaster, place, plain);
    return { version, wrapped, masterKeyVersion: newestMaster, createdAt };
  }

  function unwrapAll({ _id, versions, destroyedAt }: DataKeyDocument): DataKeys {
    const newest = versions.at(-1)?.version;
    if (destroyedAt || newest === undefined) throw new Error('the data key of this account was destroyed');
    return { newest, keys: new Map(versions.map((key) => [key.version, unwrap(_id, key)])) };
  }

  /** Two processes may race to make the first key: the first insert wins, and both read it. */
  async function load(accountId: string, create: boolean): Promise<DataKeys> {
    const found = await documents().findOne({ _id: accountId });
    if (found) return unwrapAll(found);
    if (!create) throw new Error('the data key of this account does not exist');
    const at = new Date();
    const first = wrap(accountId, 1, randomBytes(KEY_BYTES), at);
    await documents().updateOne(
      { _id: accountId },
      { $setOnInsert: { versions: [first], createdAt: at } },
      { upsert: true },
    );
    return load(accountId, false);
  }

  /** True when the document was under an older master key and is not any more. */
  async function rewrap(document: DataKeyDocument): Promise<boolean> {
    const { _id, versions } = document;
    const wrappedAnew = versions.map((key) => wrap(_id, key.version, unwrap(_id, key), key.createdAt));
    const { modifiedCount } = await documents().updateOne(
      // A generation that was added meanwhile is under the newest master key already; the next run takes the rest.
      { _id, versions: { $size: versions.length }, destroyedAt: { $exists: false } },
      { $set: { versions: wrappedAnew } },
    );
    return modifiedCount === 1;
  }

  return {
    load,
    rotateMaster: async (signal) => {
      const report = { changed: 0, unreadable: 0 };
      let afterId = '';
      while (!signal.aborted) {
        const page = await documents()
          .find({ _id: { $gt: afterId } })
          .sort({ _id: 1 })
          .limit(BATCH_MAX)
          .toArray();
        for (const document of page) {
          const isOld = document.versions.some((key) => key.masterKeyVersion !== newestMaster);
          if (!isOld) continue;
          const outcome = await rewrap(document).catch(() => 'unreadable' as const);
          if (outcome === 'unreadable') report.unreadable++;
          else if (outcome) report.changed++;
        }
        const last = page.at(-1);
        if (!last) break;
        afterId = last._id;
      }
      return report;
    },
    rotateAccount: async (accountId) => {
      const { newest } = await load(accountId, false);
      if (newest === VERSION_MAX) throw new Error('this data key cannot be rotated any more');
      const next = wrap(accountId, newest + 1, randomBytes(KEY_BYTES), new Date());
      await documents().updateOne(
        { _id: accountId, 'versions.version': { $ne: next.version }, destroyedAt: { $exists: false } },
        { $push: { versions: next } },
      );
      return (await load(accountId, false)).newest;
    },
    newestSince: async (accountId) => {
      const found = await documents().findOne({ _id: accountId }, { projection: { versions: 1 } });
      return found?.versions.at(-1)?.createdAt.getTime() ?? Number.POSITIVE_INFINITY;
    },
    dropBefore: async (accountId, version) => {
      await documents().updateOne(
        { _id: accountId, 'versions.version': version },
        { $pull: { versions: { version: { $lt: version } } } as never },
      );
    },
    destroy: async (accountId) => {
      const at = new Date();
      const written = await documents()
        .updateOne(
          { _id: accountId, destroyedAt: { $exists: false } },
          { $set: { versions: [], destroyedAt: at }, $setOnInsert: { createdAt: at } },
          { upsert: true },
        )
        .catch(ignoreDuplicate);
      return (written?.modifiedCount ?? 0) + (written?.upsertedCount ?? 0) > 0;
    },
    status: async () => {
      const groups = await documents()
        .aggregate<{ _id: number; accounts: number }>([
          { $unwind: '$versions' },
          { $group: { _id: '$versions.masterKeyVersion', accounts: { $sum: 1 } } },
        ])
        .toArray();
      return {
        masterKeyVersion: newestMaster,
        accountsByMasterKey: Object.fromEntries(groups.map(({ _id, accounts }) => [String(_id), Number(accounts)])),
        rotating: await documents().countDocuments({ 'versions.1': { $exists: true } }),
        destroyed: await documents().countDocuments({ destroyedAt: { $exists: true } }),
      };
    },
  };
}

const DUPLICATE_KEY = 11_000;

/** The upsert met a document that is destroyed already. */
function ignoreDuplicate(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY)) throw error;
}
