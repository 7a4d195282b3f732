import type { AccountPrivacy } from '../../models/account.ts';
import { accountPrivacy, changeAccountPrivacy } from '../../privacy/account-privacy.ts';
import { type Handler, principalOf } from '../context.ts';
import { parseWith, readJson } from '../middleware/read-json.ts';
import { accountPrivacyRequest } from '../privacy-schemas.ts';

const BODY_BYTES_MAX = 4_096;

const present = ({ zeroRetention, domesticOnly }: AccountPrivacy) => ({
  object: 'account.privacy',
  zero_retention: zeroRetention,
  domestic_only: domesticOnly,
});

/** `GET /v1/account/privacy` */
export function showAccountPrivacy(): Handler {
  return async (request, response) => {
    response.json(present(await accountPrivacy(principalOf(request).accountId)));
  };
}

/** `PATCH /v1/account/privacy`: what is left out stays as it is. */
export function patchAccountPrivacy(): Handler {
  return async (request, response) => {
    const { accountId, keyId } = principalOf(request);
    const body = parseWith(accountPrivacyRequest, (await readJson(request, BODY_BYTES_MAX)).value);
    const change = {
      ...(body.zero_retention === undefined ? {} : { zeroRetention: body.zero_retention }),
      ...(body.domestic_only === undefined ? {} : { domesticOnly: body.domestic_only }),
    };
    response.json(present(await changeAccountPrivacy(accountId, change, keyId)));
  };
}
