import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { PRIVACY_REQUEST_TYPES } from '../models/privacy-request.ts';
import { CONTACT_CHARACTERS_MAX, DETAILS_CHARACTERS_MAX } from '../privacy/privacy-requests.ts';

extendZodWithOpenApi(z);

/** What owners of accounts send and get about their data. */

export const accountPrivacyRequest = z
  .strictObject({
    zero_retention: z.boolean().optional().openapi({ description: 'Keep neither inputs nor answers of any key.' }),
    domestic_only: z.boolean().optional().openapi({ description: 'Send requests to providers in Russia only.' }),
  })
  .openapi('AccountPrivacyChange');

export const accountPrivacyResponse = z
  .object({ object: z.literal('account.privacy'), zero_retention: z.boolean(), domestic_only: z.boolean() })
  .openapi('AccountPrivacy', { description: 'A key or a request may be stricter. Effective within a second.' });

const PRIVACY_REQUEST_STATUSES = [
  'received',
  'needs_identity',
  'needs_information',
  'in_progress',
  'scheduled',
  'executing',
  'completed',
  'refused',
  'cancelled',
  'expired',
  'duplicate',
] as const;
export type PrivacyRequestStatus = (typeof PRIVACY_REQUEST_STATUSES)[number];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const unixTime = z.number().int().openapi({ description: 'Seconds since the epoch' });

export const privacyRequestFiling = z
  .strictObject({
    type: z.enum(PRIVACY_REQUEST_TYPES),
    contact: z.string().min(3).max(CONTACT_CHARACTERS_MAX).optional().openapi({ description: 'Where to answer.' }),
    details: z
      .string()
      .min(1)
      .max(DETAILS_CHARACTERS_MAX)
      .optional()
      .openapi({ description: 'What is wrong and how it should be, for example.' }),
  })
  .openapi('PrivacyRequestFiling');

export const privacyRequestResponse = z
  .object({
    id: z.string(),
    object: z.literal('privacy_request'),
    type: z.enum(PRIVACY_REQUEST_TYPES),
    status: z.enum(PRIVACY_REQUEST_STATUSES),
    received_at: unixTime,
    due_at: unixTime.openapi({ description: 'The law’s last moment for it.' }),
    due_is_provisional: z.boolean().openapi({ description: 'The calendar of working days is not complete yet.' }),
    extended_at: unixTime.nullable(),
    executes_at: unixTime
      .nullable()
      .openapi({ description: 'End of the cooling-off, after which there is no way back.' }),
    cancellable: z.boolean(),
    closed_at: unixTime.nullable(),
    archive: z
      .object({
        status: z.enum(['preparing', 'ready', 'downloaded', 'failed', 'expired']),
        bytes: z.number().int().nullable(),
        sha256: sha256.nullable(),
        expires_at: unixTime.nullable(),
      })
      .nullable()
      .openapi({ description: 'Of a request of access: the ZIP with the answer. Ask for a link to it.' }),
  })
  .openapi('PrivacyRequest');

export const privacyArchiveLink = z
  .object({ object: z.literal('privacy_request.link'), url: z.string(), expires_at: unixTime })
  .openapi('PrivacyArchiveLink', { description: 'Shown once; works once. The link before ends with it.' });

export const privacyRequestList = z
  .object({ object: z.literal('list'), data: z.array(privacyRequestResponse) })
  .openapi('PrivacyRequestList');

const inLanguages = z.object({ ru: z.string(), en: z.string() });
const isoTime = z.string().openapi({ example: '2026-11-26T00:00:00.000Z' });

export const policyAcceptanceRequest = z
  .strictObject({ version: z.number().int().min(1).max(999_999) })
  .openapi('PolicyAcceptanceRequest');

export const policyAcceptances = z
  .object({
    object: z.literal('account.policy'),
    in_force: z.object({ version: z.number().int(), sha256, effective_at: isoTime }).nullable(),
    accepted: z.array(z.object({ version: z.number().int(), sha256, accepted_at: isoTime })),
  })
  .openapi('PolicyAcceptances');

export const consentRequest = z
  .strictObject({
    version: z.number().int().min(1).max(999_999),
    language: z.enum(['ru', 'en']),
    text_sha256: sha256.openapi({ description: 'Of the text that was shown.' }),
  })
  .openapi('ConsentRequest');

export const consentList = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        purpose: z.string(),
        version: z.number().int(),
        title: inLanguages,
        text: inLanguages,
        text_sha256: z.object({ ru: sha256, en: sha256 }),
        given_version: z.number().int().nullable(),
        given_at: isoTime.nullable(),
      }),
    ),
  })
  .openapi('ConsentList');
