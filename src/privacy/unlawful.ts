import { AppError } from '../errors.ts';
import type { IdentityKind, PrivacyRequestDocument, UnlawfulGround } from '../models/privacy-request.ts';
import type { ContentCipher } from './content-key.ts';
import { fileRequest, verifyIdentity } from './privacy-requests.ts';

/** Data that is processed unlawfully: of a minor without the consent of a representative, or obtained as it must not be. */

export type UnlawfulFinding = {
  accountId: string;
  ground: UnlawfulGround;
  /** How it was shown who asks. The proof itself is never kept. */
  identity: IdentityKind;
  /** Where to answer the subject or the representative. */
  contact?: string | undefined;
  /** The term runs from the day after. */
  foundAt: Date;
  by: string;
  reason: string;
};

/** Who found it themselves asks nobody who they are, and who asks has to be known. */
function isCoherent({ ground, identity }: UnlawfulFinding): boolean {
  const isOwn = identity === 'own_finding';
  return ground === 'minor' || isOwn === (ground === 'found_by_operator');
}

/**
 * Opens the request and blocks the account at once (152-FZ art. 21(1), (3)). What follows is planned and approved like
 * every erasure, and begins without a cooling-off.
 * @throws `invalid_request` for a proof that does not go with the ground, `not_found` for the account.
 */
export async function openUnlawful(
  finding: UnlawfulFinding,
  cipher: Pick<ContentCipher, 'seal'>,
): Promise<PrivacyRequestDocument> {
  if (!isCoherent(finding))
    throw new AppError('invalid_request', { param: 'identity', message: 'identity: does not go with this ground' });
  const { accountId, ground, identity, contact, foundAt: receivedAt, by, reason } = finding;
  const channel = identity === 'own_finding' ? 'finding' : 'letter';
  const filing = { accountId, type: 'erase_unlawful', ground, channel, contact, receivedAt, by } as const;
  const { _id } = await fileRequest(filing, cipher);
  return verifyIdentity(_id, identity, by, reason);
}
