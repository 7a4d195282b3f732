import type { NextFunction, Request, Response } from 'express';
import type { Authenticator } from '../../auth/authenticate.ts';
import { requireScope } from '../../auth/principal.ts';
import type { RateLimits } from '../../auth/rate-limit.ts';
import { AppError } from '../../errors.ts';
import type { Endpoint } from '../../models/api-key.ts';
import { contextOf, principalOf } from '../context.ts';

const BAD_KEY_CODES = new Set(['invalid_api_key', 'expired_api_key']);

/** Address limits, then the key. Everything before the key's check is bounded per address. */
export function authenticate(authenticator: Authenticator, rateLimits: RateLimits) {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    rateLimits.admitIp(request.ip);
    if (request.url.includes('?') && /[?&](api[-_]?key|key|token|access_token)=/i.test(request.url))
      throw new AppError('key_in_query');
    const blockedMs = rateLimits.badKeysExceeded(request.ip);
    if (blockedMs > 0)
      throw new AppError('rate_limit_exceeded', {
        message: 'Too many invalid API keys from this address.',
        retryAfterMs: blockedMs,
      });
    try {
      const principal = await authenticator.authenticate(request.headers.authorization);
      contextOf(request).principal = principal;
      authenticator.touch(principal.keyId);
    } catch (error) {
      if (error instanceof AppError && BAD_KEY_CODES.has(error.code)) rateLimits.countBadKey(request.ip);
      throw error;
    }
    next();
  };
}

/** The key must be allowed to use this endpoint. */
export function requireEndpoint(endpoint: Endpoint) {
  return (request: Request, _response: Response, next: NextFunction): void => {
    requireScope(principalOf(request), endpoint);
    next();
  };
}
