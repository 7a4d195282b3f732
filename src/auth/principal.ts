import { Binary, type WithId } from 'mongodb';
import { AppError } from '../errors.ts';
import type { AccountPrivacy } from '../models/account.ts';
import {
  type ApiKeyDocument,
  type DisconnectPolicy,
  type Endpoint,
  type KeyLimits,
  NAMED_ENDPOINTS,
} from '../models/api-key.ts';

/**
 * Who is calling and what the key may do. Deeply frozen, because one object is shared by every request that a process
 * serves under this key.
 */
export type Principal = {
  readonly keyId: string;
  readonly accountId: string;
  readonly label: string;
  readonly scopes: { readonly models: readonly string[]; readonly endpoints: readonly Endpoint[] };
  readonly limits: Readonly<KeyLimits>;
  readonly expiresAt?: Date;
  readonly onDisconnect: DisconnectPolicy;
  /** Decided for the key or for its whole account. */
  readonly zeroRetention: boolean;
  /** The account lets nothing go abroad. */
  readonly domesticOnly: boolean;
  readonly webhook: {
    readonly hasUrl: boolean;
    readonly disabled: boolean;
    /** Still sealed under the account's data key, as are the secrets. */
    readonly url?: Buffer;
    readonly secrets: readonly Buffer[];
  };
  readonly prefix: string;
  readonly last4: string;
  readonly createdAt: Date;
};

function toBuffer(value: Uint8Array | Binary): Buffer {
  return Buffer.from(value instanceof Binary ? value.buffer.subarray(0, value.position) : value);
}

/** The driver gives int64 as bigint and int32 or double as number, whatever the schema calls the field. */
function toLimits(stored: Partial<Record<keyof KeyLimits, bigint | number | null>> | undefined): KeyLimits {
  const limits: KeyLimits = {};
  for (const name of ['dailyMicros', 'monthlyMicros', 'lifetimeMicros'] as const) {
    const value = stored?.[name];
    if (value !== undefined && value !== null) limits[name] = BigInt(value);
  }
  for (const name of ['requestsPerMinute', 'tokensPerMinute', 'concurrency'] as const) {
    const value = stored?.[name];
    if (value !== undefined && value !== null) limits[name] = Number(value);
  }
  return limits;
}

/** Bytes cannot be frozen by the language; everything else is. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}

/**
 * The principal of a stored key. Fields are copied by name: what is not listed here does not travel.
 * @param privacy what the account has decided, if anything.
 */
export function toPrincipal(document: WithId<ApiKeyDocument>, privacy?: AccountPrivacy): Principal {
  const { webhook, scopes, expiresAt } = document;
  return freeze({
    keyId: document._id,
    accountId: document.accountId,
    label: document.label,
    scopes: { models: [...(scopes?.models ?? [])], endpoints: [...(scopes?.endpoints ?? [])] },
    limits: toLimits(document.limits),
    ...(expiresAt ? { expiresAt: new Date(expiresAt) } : {}),
    onDisconnect: document.onDisconnect,
    zeroRetention: document.zeroRetention || privacy?.zeroRetention === true,
    domesticOnly: privacy?.domesticOnly === true,
    webhook: {
      hasUrl: Boolean(webhook?.url),
      disabled: Boolean(webhook?.disabledAt),
      ...(webhook?.url ? { url: toBuffer(webhook.url) } : {}),
      secrets: (webhook?.secrets ?? []).map(toBuffer),
    },
    prefix: document.prefix,
    last4: document.last4,
    createdAt: new Date(document.createdAt),
  });
}

function matchesModel(pattern: string, modelId: string): boolean {
  return pattern.endsWith('*') ? modelId.startsWith(pattern.slice(0, -1)) : pattern === modelId;
}

/** Whether the key may call this model. A pattern that ends in `*` matches a prefix; no patterns allow every model. */
export function allowsModel(principal: Pick<Principal, 'scopes'>, modelId: string): boolean {
  const { models } = principal.scopes;
  return models.length === 0 || models.some((pattern) => matchesModel(pattern, modelId));
}

/**
 * Throws `scope_forbidden` when the key may not use the endpoint, and `model_not_found` when it may not use the model:
 * the same answer as for a model that does not exist, so a key cannot be used to look around.
 */
export function requireScope(principal: Pick<Principal, 'scopes'>, endpoint: Endpoint, modelId?: string): void {
  const { endpoints } = principal.scopes;
  const isNamed = endpoints.includes(endpoint);
  if (!isNamed && NAMED_ENDPOINTS.includes(endpoint))
    throw new AppError('scope_forbidden', {
      message: `Only a key with the scope "${endpoint}" is allowed to do this.`,
    });
  if (!isNamed && endpoints.length > 0) throw new AppError('scope_forbidden');
  if (modelId !== undefined && !allowsModel(principal, modelId))
    throw new AppError('model_not_found', { param: 'model' });
}
