import { consentDocuments, consentsInForce, giveConsent, withdrawConsent } from '../../privacy/consents.ts';
import { type Handler, principalOf } from '../context.ts';
import { parseWith, readJson } from '../middleware/read-json.ts';
import { consentRequest } from '../privacy-schemas.ts';
import { evidenceOf } from './policy.ts';

/** Consents of an account: given by PUT, withdrawn by DELETE, with the same key at the same address. */

const BODY_BYTES_MAX = 4_096;

async function present(accountId: string) {
  const [documents, inForce] = await Promise.all([consentDocuments(), consentsInForce(accountId)]);
  const data = documents.map(({ purpose, version, title, text, hash }) => {
    const given = inForce.get(purpose);
    return {
      purpose,
      version,
      title,
      text,
      text_sha256: hash,
      given_version: given?.version ?? null,
      given_at: given?.givenAt.toISOString() ?? null,
    };
  });
  return { object: 'list', data };
}

/** `GET /v1/account/consents`: what is asked for, in which words, and what was given. */
export function listConsents(): Handler {
  return async (request, response) => {
    response.json(await present(principalOf(request).accountId));
  };
}

/** `PUT /v1/account/consents/{purpose}`: to exactly the words whose hash is named. */
export function putConsent(): Handler {
  return async (request, response) => {
    const { accountId } = principalOf(request);
    const { version, language, text_sha256 } = parseWith(
      consentRequest,
      (await readJson(request, BODY_BYTES_MAX)).value,
    );
    const given = { purpose: String(request.params.purpose), version, language, textHash: text_sha256 };
    await giveConsent(accountId, given, evidenceOf(request));
    response.json(await present(accountId));
  };
}

/** `DELETE /v1/account/consents/{purpose}`: idempotent. */
export function deleteConsent(): Handler {
  return async (request, response) => {
    const { accountId, keyId } = principalOf(request);
    await withdrawConsent(accountId, String(request.params.purpose), keyId);
    response.json(await present(accountId));
  };
}
