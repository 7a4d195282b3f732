import { AppError } from '../errors.ts';
import { Provider, type ProviderDocument } from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import { ProviderKey, type ProviderKeyDocument } from '../models/provider-key.ts';
import type { MasterKeys } from '../privacy/key-store.ts';
import { keyVersionOf, openWith, placeOf, sealWith, toBytes } from '../privacy/sealing.ts';

/** The keys of upstreams that operators set while the service runs. They stand before those of the configuration. */

export type ProviderKeyStore = {
  /** Sets or replaces a key. @param mayAdd whether it may be the first one. @throws `not_found`, `staff_forbidden`. */
  set(providerId: string, key: string, change: { by: string; mayAdd: boolean }): Promise<void>;
  /** Goes back to the configuration's key, if there is one. @throws `not_found`. */
  remove(providerId: string): Promise<void>;
  /** Every stored key by its provider's id; `undefined` for one that does not open under the configured master keys. */
  readAll(): Promise<Map<string, string | undefined>>;
  /** Seals every key under the newest master key, so that the older may go. */
  sealAnew(): Promise<{ changed: number; unreadable: number }>;
};

/** More upstreams than any catalogue has. */
const KEYS_MAX = 1_000;
const LAST_CHARACTERS = 4;

const keys = () => nativeCollection<ProviderKeyDocument>(ProviderKey);
const placeOfKey = (version: number, providerId: string) =>
  placeOf(version, 'installation', `provider_keys|${providerId}`);

/** The end of the stored key; `undefined` without one. */
export async function providerKeyEnd(providerId: string): Promise<string | undefined> {
  return (await keys().findOne({ _id: providerId }, { projection: { last4: 1 } }))?.last4;
}

/** @param masterKeys version -> 32 bytes; the highest version seals. */
export function createProviderKeyStore(masterKeys: MasterKeys): ProviderKeyStore {
  const newest = Math.max(...masterKeys.keys());

  function master(version: number): Uint8Array {
    const key = masterKeys.get(version);
    if (!key) throw new Error(`master key version ${version} is not configured`);
    return key;
  }

  function seal(providerId: string, key: string): Buffer {
    return sealWith(master(newest), newest, placeOfKey(newest, providerId), Buffer.from(key));
  }

  function open({ _id, key }: ProviderKeyDocument): string | undefined {
    try {
      const bytes = toBytes(key);
      const version = keyVersionOf(bytes);
      return openWith(master(version), placeOfKey(version, _id), bytes).toString();
    } catch {
      return undefined;
    }
  }

  const stored = () => keys().find().limit(KEYS_MAX).toArray();

  return {
    set: async (providerId, key, { by, mayAdd }) => {
      if (!(await nativeCollection<ProviderDocument>(Provider).findOne({ _id: providerId })))
        throw new AppError('not_found', { message: 'There is no such provider.' });
      const $set = {
        key: seal(providerId, key),
        last4: key.slice(-LAST_CHARACTERS),
        changedAt: new Date(),
        changedBy: by,
      };
      const { matchedCount, upsertedCount } = await keys().updateOne({ _id: providerId }, { $set }, { upsert: mayAdd });
      if (matchedCount + upsertedCount === 0)
        throw new AppError('staff_forbidden', { message: 'The first key of a provider is for an admin to set.' });
    },
    remove: async (providerId) => {
      const { deletedCount } = await keys().deleteOne({ _id: providerId });
      if (deletedCount !== 1) throw new AppError('not_found', { message: 'No key was set for this provider.' });
    },
    readAll: async () => new Map((await stored()).map((one) => [one._id, open(one)])),
    sealAnew: async () => {
      const report = { changed: 0, unreadable: 0 };
      for (const one of await stored()) {
        if (keyVersionOf(toBytes(one.key)) === newest) continue;
        const key = open(one);
        if (key === undefined) report.unreadable++;
        else {
          const same = { _id: one._id, key: one.key };
          report.changed += (await keys().updateOne(same, { $set: { key: seal(one._id, key) } })).modifiedCount;
        }
      }
      return report;
    },
  };
}
