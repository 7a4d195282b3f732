import { Binary } from 'mongodb';

/** Opens and seals bytes of one account; `context` names the document and field they belong to. */
export type Open = (accountId: string, context: string, sealed: Uint8Array) => Promise<Uint8Array>;
export type Seal = (accountId: string, context: string, plain: Uint8Array) => Promise<Uint8Array>;

/** A sealed field as the driver (`Binary`) or mongoose (Buffer) gives it. */
export type SealedField = Uint8Array | Binary;

/** Where the sealed texts of this folder belong. */
export const sealedAt = {
  requestUrl: (requestId: string): string => `requests|${requestId}|callbackUrl`,
  keyUrl: (keyId: string): string => `api_keys|${keyId}|webhook.url`,
  keySecret: (keyId: string): string => `api_keys|${keyId}|webhook.secret`,
  deliveryUrl: (deliveryId: string): string => `deliveries|${deliveryId}|url`,
};

/** The text in a sealed field. Throws as `open` does: the key is gone, or the bytes belong elsewhere. */
export async function openText(open: Open, accountId: string, context: string, sealed: SealedField): Promise<string> {
  const bytes = sealed instanceof Binary ? sealed.buffer.subarray(0, sealed.position) : sealed;
  return Buffer.from(await open(accountId, context, bytes)).toString();
}
