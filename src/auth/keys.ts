import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { checkCallbackUrl } from '../callback-address.ts';
import { AppError } from '../errors.ts';
import { isId, newId } from '../ids.ts';
import { Account } from '../models/account.ts';
import { ApiKey, type ApiKeyDocument, DISCONNECT_POLICIES, ENDPOINTS } from '../models/api-key.ts';
import { AMOUNT_MICROS_MAX } from '../money.ts';
import { generateKey, KEY_KINDS, keyDigest, keyEnds } from './key-format.ts';

/** Issuing, listing and revoking API keys: the commands behind the script, the cabinet and the back-office. */

const PEPPER_VERSION = 1;
const WEBHOOK_SECRET_BYTES = 32;
const LISTED_MAX = 1_000;

const micros = z.bigint().positive().max(AMOUNT_MICROS_MAX).optional();
const count = (max: number) => z.number().int().positive().max(max).optional();

const keySettings = z.strictObject({
  accountId: z.string().refine((text) => isId('acc', text), 'is not an account id'),
  label: z.string().max(100).default(''),
  kind: z.enum(KEY_KINDS).default('live'),
  scopes: z
    .strictObject({
      models: z
        .array(
          z
            .string()
            .regex(/^[\w./:@-]{0,128}\*?$/)
            .min(1),
        )
        .max(100)
        .default([]),
      endpoints: z.array(z.enum(ENDPOINTS)).max(ENDPOINTS.length).default([]),
    })
    .prefault({}),
  limits: z
    .strictObject({
      dailyMicros: micros,
      monthlyMicros: micros,
      lifetimeMicros: micros,
      requestsPerMinute: count(10_000_000),
      tokensPerMinute: count(2_000_000_000),
      concurrency: count(100_000),
    })
    .prefault({}),
  expiresAt: z.date().optional(),
  onDisconnect: z.enum(DISCONNECT_POLICIES).default('cancel'),
  zeroRetention: z.boolean().default(false),
  callbackUrl: z.string().max(2_048).optional(),
});

/** What an issuer decides about a key. Everything but the account has a default. */
export type KeySettings = z.input<typeof keySettings>;

/** Encrypts bytes of an account for the place named by `context`. */
export type Seal = (accountId: string, context: string, plain: Uint8Array) => Promise<Buffer>;

export type IssuedKey = {
  document: ApiKeyDocument;
  /** The key itself. It is nowhere else: show it once. */
  key: string;
  /** The secret that signs this key's webhooks, for its owner. Show it once. */
  webhookSecret: string;
};

/** What may be shown of a key. */
export type ListedKey = {
  id: string;
  accountId: string;
  label: string;
  prefix: string;
  last4: string;
  scopes: ApiKeyDocument['scopes'];
  limits: ApiKeyDocument['limits'];
  expiresAt?: Date;
  revokedAt?: Date;
  lastUsedAt?: Date;
  onDisconnect: ApiKeyDocument['onDisconnect'];
  zeroRetention: boolean;
  webhook: { hasUrl: boolean; disabledAt?: Date; disabledReason?: string };
  createdAt: Date;
};

/** The places of sealed fields, as associated data of their encryption. */
export function webhookContext(keyId: string, field: 'url' | 'secret'): string {
  return `api_keys|${keyId}|webhook.${field}`;
}

function parseSettings(input: KeySettings): z.output<typeof keySettings> {
  const parsed = keySettings.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.join('.') ?? '';
  throw new AppError('invalid_request', { param, message: `${param}: ${issue?.message ?? 'is not valid'}` });
}

/** Drops members without a value, which a document must not have. */
function present<T extends object>(value: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}

/**
 * Makes a key for an account. Throws `invalid_request` (bad settings), `callback_url_forbidden` or `not_found` (no such
 * account).
 * @param options.seal ContentCipher.seal.
 * @param options.loopbackAllowed lets callback URLs be http on loopback (evaluation).
 */
export async function issueKey(
  input: KeySettings,
  options: { pepper: Uint8Array; seal: Seal; loopbackAllowed?: boolean },
): Promise<IssuedKey> {
  const { accountId, label, kind, scopes, limits, expiresAt, onDisconnect, zeroRetention, callbackUrl } =
    parseSettings(input);
  if (
    callbackUrl !== undefined &&
    !checkCallbackUrl(callbackUrl, { allowLoopback: options.loopbackAllowed ?? false }).ok
  ) {
    throw new AppError('callback_url_forbidden', { param: 'callbackUrl' });
  }
  if (!(await Account.exists({ _id: accountId }))) {
    throw new AppError('not_found', { message: 'The account does not exist.', param: 'accountId' });
  }
  const keyId = newId('key');
  const key = generateKey(kind);
  const webhookSecret = `whsec_${randomBytes(WEBHOOK_SECRET_BYTES).toString('base64')}`;
  const seal = (field: 'url' | 'secret', text: string) =>
    options.seal(accountId, webhookContext(keyId, field), Buffer.from(text));
  const document: ApiKeyDocument = {
    _id: keyId,
    accountId,
    digest: keyDigest(options.pepper, key),
    pepperVersion: PEPPER_VERSION,
    ...keyEnds(key),
    label,
    scopes,
    limits: present(limits),
    ...(expiresAt ? { expiresAt } : {}),
    onDisconnect,
    zeroRetention,
    webhook: {
      ...(callbackUrl === undefined ? {} : { url: await seal('url', callbackUrl) }),
      secrets: [await seal('secret', webhookSecret)],
    },
    createdAt: new Date(),
  };
  await ApiKey.create(document);
  return { document, key, webhookSecret };
}

/** The keys of one account, or of all, oldest first; at most 1000. Fields are copied by name. */
export async function listKeys(accountId?: string): Promise<ListedKey[]> {
  const documents = await ApiKey.find(accountId === undefined ? {} : { accountId })
    .sort({ _id: 1 })
    .limit(LISTED_MAX)
    .lean();
  return documents.map((document) => ({
    id: document._id,
    accountId: document.accountId,
    label: document.label,
    prefix: document.prefix,
    last4: document.last4,
    scopes: document.scopes,
    limits: document.limits,
    ...present({ expiresAt: document.expiresAt, revokedAt: document.revokedAt, lastUsedAt: document.lastUsedAt }),
    onDisconnect: document.onDisconnect,
    zeroRetention: document.zeroRetention,
    webhook: {
      hasUrl: Boolean(document.webhook.url),
      ...present({ disabledAt: document.webhook.disabledAt, disabledReason: document.webhook.disabledReason }),
    },
    createdAt: document.createdAt,
  }));
}

/**
 * Revokes a key for good. Revoking again changes nothing and is no error. Throws `not_found`.
 * @param publish tells all processes; when it fails they notice within a second all the same.
 * @returns since when the key is revoked, and whether all processes were told.
 */
export async function revokeKey(
  keyId: string,
  publish: (keyId: string) => Promise<unknown>,
): Promise<{ revokedAt: Date; told: boolean }> {
  const noSuchKey = new AppError('not_found', { message: 'The key does not exist.', param: 'keyId' });
  if (!isId('key', keyId)) throw noSuchKey;
  await ApiKey.updateOne({ _id: keyId, revokedAt: { $exists: false } }, { $set: { revokedAt: new Date() } });
  const document = await ApiKey.findById(keyId, { revokedAt: 1 }).lean();
  if (!document?.revokedAt) throw noSuchKey;
  const told = await publish(keyId).then(
    () => true,
    () => false,
  );
  return { revokedAt: document.revokedAt, told };
}

/** The pub/sub channel on which key ids are announced that changed. */
export function keyChannel(redisPrefix: string): string {
  return `${redisPrefix}:keys`;
}

/** Tells every process that a key changed. Rejects when Redis is away; correctness does not depend on it. */
export async function publishKeyChange(redis: Pick<Redis, 'publish'>, prefix: string, keyId: string): Promise<void> {
  await redis.publish(keyChannel(prefix), keyId);
}
