import { AppError } from '../errors.ts';
import { createGroupedRead } from '../grouped-read.ts';
import { ApiKey, type ApiKeyDocument } from '../models/api-key.ts';
import { nativeCollection } from '../models/connect.ts';

/** The webhook settings of an API key. Revoked keys keep theirs: what they asked for is still told. */

export type KeyWebhook = ApiKeyDocument['webhook'];

const KEYS_MAX = 100;

const keys = () => nativeCollection<ApiKeyDocument>(ApiKey);
const readKey = createGroupedRead(keys, { projection: { webhook: 1 }, promoteBuffers: true }, KEYS_MAX);

/** The settings as they are now; `undefined` when there is no such key. */
export async function keyWebhook(keyId: string): Promise<KeyWebhook | undefined> {
  return (await readKey(keyId))?.webhook;
}

/** The sealed URL that the key's events go to, unless it has none or is disabled. */
export function usableUrl(webhook: KeyWebhook | undefined): Buffer | undefined {
  return webhook && !webhook.disabledAt ? webhook.url : undefined;
}

/** Stops all webhooks of a key, but only while it still has the URL that was tried: its owner may have changed it since. */
export async function disableKeyWebhook(keyId: string, tried: Buffer, reason: string): Promise<void> {
  await keys().updateOne(
    { _id: keyId, 'webhook.url': tried, 'webhook.disabledAt': { $exists: false } },
    { $set: { 'webhook.disabledAt': new Date(), 'webhook.disabledReason': reason } },
  );
}

/**
 * Lets a key's events go out again, for instance when the receiver has said that it is back. Deliveries that were stopped
 * stay so until somebody has them sent again; requests that ended meanwhile have none.
 * @throws `not_found`, or `state_conflict` when they are not switched off.
 */
export async function enableKeyWebhook(keyId: string): Promise<void> {
  const { matchedCount } = await keys().updateOne(
    { _id: keyId, 'webhook.disabledAt': { $exists: true } },
    { $unset: { 'webhook.disabledAt': 1, 'webhook.disabledReason': 1 } },
  );
  if (matchedCount === 1) return;
  if (!(await keyWebhook(keyId))) throw new AppError('not_found', { message: 'The key does not exist.' });
  throw new AppError('state_conflict', { message: 'The webhooks of this key are not switched off.' });
}
