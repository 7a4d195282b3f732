import { z } from 'zod';
import { isId } from '../ids.ts';
import { IDENTITY_KINDS, PRIVACY_REQUEST_TYPES } from '../models/privacy-request.ts';
import { zipOf } from '../papers/zip.ts';
import { issueLink } from '../privacy/archive-links.ts';
import { rebuildArchive } from '../privacy/archives.ts';
import { emailAddress } from '../privacy/email-index.ts';
import { EVIDENCE_FILE, evidenceFiles } from '../privacy/evidence-pack.ts';
import {
  answerRequest,
  approveErasure,
  closeRequest,
  extendRequest,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  retryErasure,
  submitErasure,
  verifyIdentity,
} from '../privacy/privacy-requests.ts';
import { REQUEST_FILES, requestFile } from '../privacy/request-papers.ts';
import { noteNotice } from '../privacy/third-party-notices.ts';
import { type Given, operation, personOf, withReason } from './define.ts';

/** Commands about requests of data subjects. Support prepares them; what ends one or destroys anything needs an admin. */

const PREPARE = ['privacy.open', 'privacy.execute'] as const;
const nothing = z.strictObject({});
const toRecipient = z.strictObject({ recipient: z.string().trim().min(1).max(128) });
const A_YEAR_MS = 366 * 86_400_000;

/** The term begins when the letter came, not when somebody typed it in. */
export const receivedAt = z.iso
  .datetime()
  .transform((text) => new Date(text))
  .refine((at) => at.getTime() <= Date.now() && at.getTime() > Date.now() - A_YEAR_MS, 'is not within the last year');

export const accountId = z
  .string()
  .trim()
  .refine((text) => isId('acc', text), 'is not an id such as acc_…');

async function close({ actor, targetId }: Given, event: 'refuse' | 'cancel' | 'duplicate', reason: string) {
  await closeRequest(targetId, event, personOf(actor), reason);
}

export const PRIVACY_OPERATIONS = {
  'privacy.file': operation(
    PREPARE,
    undefined,
    z.strictObject({
      accountId,
      subjectType: z.enum(PRIVACY_REQUEST_TYPES),
      email: emailAddress.optional(),
      receivedAt: receivedAt.optional(),
    }),
    async ({ accountId, subjectType: type, email: contact, receivedAt: at = new Date() }, { actor, deps }) => {
      const letter = { accountId, type, contact, receivedAt: at, channel: 'letter', by: personOf(actor) } as const;
      return { madeId: (await fileRequest(letter, deps.cipher))._id };
    },
  ),
  'privacy.verify': operation(
    PREPARE,
    'dsr',
    z.strictObject({ identity: z.enum(IDENTITY_KINDS) }),
    async ({ identity }, { actor, targetId }) => {
      await verifyIdentity(targetId, identity, personOf(actor));
    },
  ),
  'privacy.extend': operation(PREPARE, 'dsr', withReason, async ({ reason }, { actor, targetId }) => {
    await extendRequest(targetId, personOf(actor), reason);
  }),
  'privacy.plan': operation(PREPARE, 'dsr', nothing, async (_input, { actor, targetId }) => {
    await planErasure(targetId, personOf(actor));
  }),
  'privacy.submit': operation(PREPARE, 'dsr', nothing, async (_input, { actor, targetId }) => {
    await submitErasure(targetId, personOf(actor));
  }),
  'privacy.approve': operation(
    'privacy.execute',
    'dsr',
    z.strictObject({ manifestHash: z.string().trim().min(1).max(200) }),
    async ({ manifestHash }, { actor, targetId }) => {
      await approveErasure(targetId, manifestHash, personOf(actor));
    },
  ),
  'privacy.retry': operation('privacy.execute', 'dsr', nothing, async (_input, { actor, targetId }) => {
    await retryErasure(targetId, personOf(actor));
  }),
  'privacy.answer': operation('privacy.execute', 'dsr', withReason, async ({ reason }, { actor, targetId }) => {
    await answerRequest(targetId, personOf(actor), reason);
  }),
  'privacy.evidence': operation(
    'privacy.read',
    'dsr',
    z.strictObject({ file: z.literal(EVIDENCE_FILE) }),
    async (_input, { targetId, deps }) => {
      const files = evidenceFiles(await findPrivacyRequest(targetId), deps.operator);
      return {
        file: { name: `evidence-${targetId}.zip`, mediaType: 'application/zip', content: zipOf(files, new Date()) },
      };
    },
  ),
  'privacy.paper': operation(
    'privacy-requests.read',
    'dsr',
    z.strictObject({ file: z.enum(REQUEST_FILES) }),
    async ({ file }, { targetId, deps }) => ({
      file: await requestFile(await findPrivacyRequest(targetId), file, deps.operator, new Date()),
    }),
  ),
  'privacy.notice-sent': operation(PREPARE, 'dsr', toRecipient, async ({ recipient }, { actor, targetId }) => {
    await noteNotice(targetId, recipient, 'sent', personOf(actor));
  }),
  'privacy.notice-answered': operation(PREPARE, 'dsr', toRecipient, async ({ recipient }, { actor, targetId }) => {
    await noteNotice(targetId, recipient, 'answered', personOf(actor));
  }),
  'privacy.archive-link': operation(PREPARE, 'dsr', nothing, async (_input, { actor, targetId }) => ({
    archiveLink: await issueLink(targetId, personOf(actor)),
  })),
  'privacy.archive-rebuild': operation(PREPARE, 'dsr', nothing, async (_input, { actor, targetId }) => {
    await rebuildArchive(targetId, personOf(actor));
  }),
  'privacy.refuse': operation('privacy.execute', 'dsr', withReason, ({ reason }, given) =>
    close(given, 'refuse', reason),
  ),
  'privacy.cancel': operation('privacy.execute', 'dsr', withReason, ({ reason }, given) =>
    close(given, 'cancel', reason),
  ),
  'privacy.duplicate': operation('privacy.execute', 'dsr', withReason, ({ reason }, given) =>
    close(given, 'duplicate', reason),
  ),
};
