import type { Principal } from '../../auth/principal.ts';
import { accountView, type KeySpendView, keySpend } from '../../billing/account-view.ts';
import { formatRub } from '../../money.ts';
import { type Handler, principalOf } from '../context.ts';

/** `GET /v1/balance` */
export function showBalance(): Handler {
  return async (request, response) => {
    const { status, availableMicros, heldMicros, open } = await accountView(principalOf(request).accountId);
    response.json({
      object: 'balance',
      currency: 'RUB',
      available: formatRub(availableMicros),
      held: formatRub(heldMicros),
      running_requests: open,
      status,
    });
  };
}

type Cap = { limitMicros: bigint; usedMicros: bigint; reset: 'daily' | 'monthly' | null };

/** The cap that leaves least: what the key's owner runs into first. */
function tightestCap({ limits }: Principal, spend: KeySpendView): Cap | undefined {
  const caps: Cap[] = [];
  if (limits.dailyMicros !== undefined)
    caps.push({ limitMicros: limits.dailyMicros, usedMicros: spend.dayMicros, reset: 'daily' });
  if (limits.monthlyMicros !== undefined)
    caps.push({ limitMicros: limits.monthlyMicros, usedMicros: spend.monthMicros, reset: 'monthly' });
  if (limits.lifetimeMicros !== undefined)
    caps.push({ limitMicros: limits.lifetimeMicros, usedMicros: spend.totalMicros, reset: null });
  return caps.sort((a, b) => Number(a.limitMicros - a.usedMicros - (b.limitMicros - b.usedMicros)))[0];
}

/** A display figure; the exact amounts are the strings of `/v1/balance` and of receipts. */
function toNumber(micros: bigint): number {
  return Number(formatRub(micros));
}

/** `GET /v1/key`: the calling key, shaped like OpenRouter's object, amounts in rubles. */
export function showKey(): Handler {
  return async (request, response) => {
    const principal = principalOf(request);
    const spend = await keySpend(principal.accountId, principal.keyId, new Date());
    const cap = tightestCap(principal, spend);
    const remaining =
      cap === undefined ? null : cap.limitMicros > cap.usedMicros ? cap.limitMicros - cap.usedMicros : 0n;
    response.json({
      data: {
        label: principal.label || `${principal.prefix}...${principal.last4}`,
        currency: 'RUB',
        limit: cap === undefined ? null : toNumber(cap.limitMicros),
        limit_remaining: remaining === null ? null : toNumber(remaining),
        limit_reset: cap?.reset ?? null,
        usage: toNumber(spend.totalMicros),
        usage_daily: toNumber(spend.dayMicros),
        usage_monthly: toNumber(spend.monthMicros),
        is_free_tier: false,
        expires_at: principal.expiresAt?.toISOString() ?? null,
        scopes: { models: [...principal.scopes.models], endpoints: [...principal.scopes.endpoints] },
        on_disconnect: principal.onDisconnect,
        zero_retention: principal.zeroRetention,
      },
    });
  };
}
