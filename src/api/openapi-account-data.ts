import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { errors, json, security } from './openapi-responses.ts';
import {
  accountPrivacyRequest,
  accountPrivacyResponse,
  consentList,
  consentRequest,
  policyAcceptanceRequest,
  policyAcceptances,
  privacyArchiveLink,
  privacyRequestFiling,
  privacyRequestList,
  privacyRequestResponse,
} from './privacy-schemas.ts';

/** What an account's owner decides and asks about its data, for the OpenAPI document. */

const privacyRequestId = z.object({
  privacyRequestId: z.string().openapi({ example: 'dsr_01kb2v6m3x8p4q9r7t5w1y0z2a' }),
});
const token = z.object({ token: z.string() });
const purpose = z.object({ purpose: z.string() });
const body = (schema: z.ZodType) => ({ body: { required: true, content: { 'application/json': { schema } } } });

export const ACCOUNT_DATA_OPERATIONS: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/v1/account/privacy',
    summary: 'What the account has decided about its data',
    security,
    responses: { 200: json(accountPrivacyResponse, 'The settings'), ...errors(401, 403, 429) },
  },
  {
    method: 'patch',
    path: '/v1/account/privacy',
    summary: 'Keep nothing; let nothing go abroad (what is left out stays as it is)',
    security,
    request: body(accountPrivacyRequest),
    responses: {
      200: json(accountPrivacyResponse, 'The settings as they are now'),
      ...errors(400, 401, 403, 413, 415, 429),
    },
  },
  {
    method: 'post',
    path: '/v1/account/privacy-requests',
    summary: 'File a request of a data subject (also when the account is suspended)',
    security,
    request: body(privacyRequestFiling),
    responses: {
      200: json(privacyRequestResponse, 'One of this type is open already: this one'),
      201: json(privacyRequestResponse, 'Filed; `Location` is where to ask for it'),
      ...errors(400, 401, 403, 409, 413, 415, 429),
    },
  },
  {
    method: 'get',
    path: '/v1/account/privacy-requests',
    summary: 'The account’s requests of data subjects, the newest first (at most 100)',
    security,
    responses: { 200: json(privacyRequestList, 'Requests with their due dates'), ...errors(401, 403, 429) },
  },
  {
    method: 'get',
    path: '/v1/account/privacy-requests/{privacyRequestId}',
    summary: 'State and due date of one',
    security,
    request: { params: privacyRequestId },
    responses: { 200: json(privacyRequestResponse, 'The request'), ...errors(401, 403, 404, 429) },
  },
  {
    method: 'post',
    path: '/v1/account/privacy-requests/{privacyRequestId}/cancel',
    summary: 'Take one back, until its cooling-off is over (idempotent)',
    security,
    request: { params: privacyRequestId },
    responses: { 200: json(privacyRequestResponse, 'The request as it is now'), ...errors(401, 403, 404, 409, 429) },
  },
  {
    method: 'post',
    path: '/v1/account/privacy-requests/{privacyRequestId}/link',
    summary: 'A link to the archive that answers a request of access; it gives the file once',
    security,
    request: { params: privacyRequestId },
    responses: { 201: json(privacyArchiveLink, 'The link'), ...errors(401, 403, 404, 409, 429) },
  },
  {
    method: 'get',
    path: '/v1/account/policy',
    summary: 'The policy’s version in force, and the versions that the account has accepted',
    security,
    responses: { 200: json(policyAcceptances, 'Versions'), ...errors(401, 403, 429) },
  },
  {
    method: 'post',
    path: '/v1/account/policy',
    summary: 'Accept a version of the policy (idempotent)',
    security,
    request: body(policyAcceptanceRequest),
    responses: { 200: json(policyAcceptances, 'Versions'), ...errors(400, 401, 403, 404, 413, 415, 429) },
  },
  {
    method: 'get',
    path: '/v1/account/consents',
    summary: 'Consents that are asked for, with their texts, and those that were given',
    security,
    responses: { 200: json(consentList, 'One for each purpose'), ...errors(401, 403, 429) },
  },
  {
    method: 'put',
    path: '/v1/account/consents/{purpose}',
    summary: 'Give a consent to the text that was shown (idempotent)',
    security,
    request: { params: purpose, ...body(consentRequest) },
    responses: { 200: json(consentList, 'As it is now'), ...errors(400, 401, 403, 404, 409, 413, 415, 429) },
  },
  {
    method: 'delete',
    path: '/v1/account/consents/{purpose}',
    summary: 'Withdraw a consent (idempotent)',
    security,
    request: { params: purpose },
    responses: { 200: json(consentList, 'As it is now'), ...errors(401, 403, 429) },
  },
  {
    method: 'get',
    path: '/privacy',
    summary: 'The privacy policy as a page, in Russian or English (`lang`), in force or of a `version`',
    request: { query: z.object({ lang: z.enum(['ru', 'en']).optional(), version: z.string().optional() }) },
    responses: { 200: { description: 'HTML' }, ...errors(404, 429) },
  },
  {
    method: 'get',
    path: '/archives/{token}',
    summary: 'A page about an archive of personal data; it leaves the link whole',
    request: { params: token },
    responses: { 200: { description: 'HTML with a button' }, 404: { description: 'HTML' }, ...errors(429) },
  },
  {
    method: 'post',
    path: '/archives/{token}',
    summary: 'The archive; the link is used up by this',
    request: { params: token },
    responses: { 200: { description: 'ZIP' }, 404: { description: 'HTML' }, ...errors(429) },
  },
  {
    method: 'get',
    path: '/consents/{purpose}',
    summary: 'The text of a consent as a page',
    request: { params: purpose, query: z.object({ lang: z.enum(['ru', 'en']).optional() }) },
    responses: { 200: { description: 'HTML' }, ...errors(404, 429) },
  },
];
