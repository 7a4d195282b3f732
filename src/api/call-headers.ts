import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { checkCallbackUrl } from '../callback-address.ts';
import { AppError } from '../errors.ts';
import { DISCONNECT_POLICIES, type DisconnectPolicy } from '../models/api-key.ts';
import { parseRub } from '../money.ts';

/** The headers by which a client steers one inference call. */
export type CallHeaders = {
  idempotencyKey?: string;
  respondAsync: boolean;
  callbackUrl?: string;
  maxCostMicros?: bigint;
  fitToBalance: boolean;
  onDisconnect?: DisconnectPolicy;
  zeroRetention: boolean;
};

const invalid = (name: string, message: string) =>
  new AppError('invalid_request', { message: `${name}: ${message}`, param: name });

function one(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  if (Array.isArray(value)) throw invalid(name, 'must be given once.');
  return value;
}

function flag(headers: IncomingHttpHeaders, name: string): boolean {
  const value = one(headers, name.toLowerCase())?.toLowerCase();
  if (value === undefined || value === 'false') return false;
  if (value !== 'true') throw invalid(name, 'must be "true" or "false".');
  return true;
}

function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = one(headers, 'idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalid('Idempotency-Key', 'must be 1 to 255 printable characters without spaces.');
  return key;
}

function callbackUrl(headers: IncomingHttpHeaders, allowLoopback: boolean): string | undefined {
  const text = one(headers, 'x-callback-url');
  if (text === undefined) return undefined;
  const checked = checkCallbackUrl(text, { allowLoopback });
  if (!checked.ok)
    throw new AppError('callback_url_forbidden', { param: 'X-Callback-Url', details: { reason: checked.reason } });
  return text;
}

function maxCost(headers: IncomingHttpHeaders): bigint | undefined {
  const text = one(headers, 'x-max-cost');
  if (text === undefined) return undefined;
  const micros = parseRub(text);
  if (micros === undefined) throw invalid('X-Max-Cost', 'must be rubles such as "1.50".');
  return micros;
}

function disconnectPolicy(headers: IncomingHttpHeaders): DisconnectPolicy | undefined {
  const text = one(headers, 'x-on-disconnect');
  if (text === undefined) return undefined;
  const policy = DISCONNECT_POLICIES.find((candidate) => candidate === text);
  if (!policy) throw invalid('X-On-Disconnect', 'must be "cancel" or "finish".');
  return policy;
}

/** Reads them all. Throws a typed 400 for one that is not right. */
export function readCallHeaders(headers: IncomingHttpHeaders, options: { allowLoopback: boolean }): CallHeaders {
  const key = idempotencyKey(headers);
  const url = callbackUrl(headers, options.allowLoopback);
  const cost = maxCost(headers);
  const policy = disconnectPolicy(headers);
  const respondAsync = /(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(String(headers.prefer ?? ''));
  if (url !== undefined && !respondAsync) throw invalid('X-Callback-Url', 'needs "Prefer: respond-async".');
  return {
    respondAsync,
    fitToBalance: flag(headers, 'X-Fit-To-Balance'),
    zeroRetention: flag(headers, 'X-Zero-Retention'),
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(url === undefined ? {} : { callbackUrl: url }),
    ...(cost === undefined ? {} : { maxCostMicros: cost }),
    ...(policy === undefined ? {} : { onDisconnect: policy }),
  };
}

/** What makes two calls under one Idempotency-Key the same call: route, body bytes, and how the answer is delivered. */
export function fingerprintOf(route: string, bodyText: string, headers: CallHeaders): string {
  const parts = [route, bodyText, String(headers.respondAsync), headers.callbackUrl ?? ''];
  return createHash('sha256')
    .update(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('|'))
    .digest('hex');
}
