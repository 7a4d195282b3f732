import type { Request } from 'express';
import type { Archive, PrivacyRequestDocument, PrivacyRequestState } from '../../models/privacy-request.ts';
import { archiveEnd, archiveStatus, issueLink } from '../../privacy/archive-links.ts';
import { cancelByOwner, fileByOwner, ownRequest, ownRequests } from '../../privacy/intake.ts';
import { nextState } from '../../privacy/request-machine.ts';
import { type ApiDependencies, type Handler, principalOf } from '../context.ts';
import { parseWith, readJson } from '../middleware/read-json.ts';
import { type PrivacyRequestStatus, privacyRequestFiling } from '../privacy-schemas.ts';

/** Requests of data subjects. They do not ask whether the account may spend: whoever is blocked may file as well. */

const BODY_BYTES_MAX = 32_768;

const STATUSES: Readonly<Record<PrivacyRequestState, PrivacyRequestStatus>> = {
  received: 'received',
  awaiting_identity: 'needs_identity',
  needs_info: 'needs_information',
  verified: 'in_progress',
  planned: 'in_progress',
  awaiting_approval: 'in_progress',
  on_hold: 'in_progress',
  scheduled: 'scheduled',
  executing: 'executing',
  verifying: 'executing',
  failed: 'executing',
  completed: 'completed',
  completed_with_retained: 'completed',
  refused: 'refused',
  cancelled: 'cancelled',
  unverified_expired: 'expired',
  duplicate: 'duplicate',
};

const unix = (date: Date | undefined) => (date ? Math.floor(date.getTime() / 1_000) : null);

function presentArchive(archive: Archive | undefined) {
  if (!archive) return null;
  return {
    status: archiveStatus(archive, Date.now()),
    bytes: archive.bytes === undefined ? null : Number(archive.bytes),
    sha256: archive.sha256 ?? null,
    expires_at: unix(archiveEnd(archive)),
  };
}

/** What its owner may know; who works on it and how is not among it. */
function present(request: PrivacyRequestDocument) {
  const { _id, type, state, receivedAt, dueAt, isProvisional, extendedAt, scheduledFor, closedAt, archive } = request;
  return {
    id: _id,
    object: 'privacy_request',
    type,
    status: STATUSES[state],
    received_at: unix(receivedAt),
    due_at: unix(dueAt),
    due_is_provisional: isProvisional,
    extended_at: unix(extendedAt),
    executes_at: state === 'scheduled' ? unix(scheduledFor) : null,
    cancellable: nextState(state, 'cancel') !== undefined,
    closed_at: unix(closedAt),
    archive: presentArchive(archive),
  };
}

const idOf = (request: Request) => String(request.params.privacyRequestId);

/** `POST /v1/account/privacy-requests`: 201, or 200 for one of this type that is open already. */
export function filePrivacyRequest({ cipher }: Pick<ApiDependencies, 'cipher'>): Handler {
  return async (request, response) => {
    const filing = parseWith(privacyRequestFiling, (await readJson(request, BODY_BYTES_MAX)).value);
    const filed = await fileByOwner(principalOf(request), filing, cipher);
    response.status(filed.isNew ? 201 : 200).setHeader('location', `/v1/account/privacy-requests/${filed.request._id}`);
    response.json(present(filed.request));
  };
}

/** `GET /v1/account/privacy-requests` */
export function listPrivacyRequests(): Handler {
  return async (request, response) => {
    response.json({ object: 'list', data: (await ownRequests(principalOf(request))).map(present) });
  };
}

/** `GET /v1/account/privacy-requests/{id}` */
export function showPrivacyRequest(): Handler {
  return async (request, response) => {
    response.json(present(await ownRequest(principalOf(request), idOf(request))));
  };
}

/** `POST /v1/account/privacy-requests/{id}/cancel`: idempotent, until the cooling-off is over. */
export function cancelPrivacyRequest(): Handler {
  return async (request, response) => {
    response.json(present(await cancelByOwner(principalOf(request), idOf(request))));
  };
}

/** `POST /v1/account/privacy-requests/{id}/link`: where the archive is downloaded, once. The link before ends with it. */
export function linkPrivacyArchive({ config }: Pick<ApiDependencies, 'config'>): Handler {
  return async (request, response) => {
    const owner = principalOf(request);
    const { _id } = await ownRequest(owner, idOf(request));
    const { token, expiresAt } = await issueLink(_id, owner.keyId);
    const url = `${config.api.publicUrl}/archives/${token}`;
    response.status(201).json({ object: 'privacy_request.link', url, expires_at: unix(expiresAt) });
  };
}
