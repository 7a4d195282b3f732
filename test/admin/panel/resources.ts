import { toAddress } from '../../../src/admin/panel/record-id.ts';
import type { Permission } from '../../../src/auth/roles.ts';
import { FAILED_JOB } from '../seed-jobs.ts';
import { member, panel } from './desk.ts';

/** Every resource with what its reading needs and a record of it. */
export const RESOURCES: readonly [id: string, permission: Permission, record: () => string | number][] = [
  ['accounts', 'accounts.read', () => panel().seeded.accountId],
  ['keys', 'keys.read', () => panel().seeded.keyId],
  ['requests', 'requests.read', () => panel().seeded.requestId],
  ['deliveries', 'requests.read', () => panel().seeded.deliveryId],
  ['ledger', 'money.read', () => panel().seeded.ledgerId],
  ['alerts', 'money.read', () => panel().seeded.alertId],
  ['adjustments', 'money.read', () => panel().seeded.adjustmentId],
  ['prices', 'prices.read', () => panel().seeded.priceId],
  ['proposals', 'prices.read', () => panel().seeded.proposalId],
  ['models', 'routing.read', () => toAddress(panel().seeded.modelId)],
  ['providers', 'routing.read', () => panel().seeded.providerId],
  ['routes', 'routing.read', () => toAddress(`${panel().seeded.modelId} main`)],
  ['queues', 'routing.read', () => 'maintenance'],
  ['failedJobs', 'routing.read', () => toAddress(`maintenance/${FAILED_JOB.jobId}`)],
  ['suspensionRequests', 'accounts.read', () => panel().seeded.suspensionRequestId],
  ['tickets', 'tickets.read', () => panel().seeded.ticketId],
  ['contentGrants', 'tickets.read', () => panel().seeded.grantId],
  ['announcements', 'announcements.read', () => panel().seeded.announcementId],
  ['privacyRequests', 'privacy-requests.read', () => panel().seeded.privacyRequestId],
  ['retention', 'privacy.read', () => 'request.content'],
  ['retentionRuns', 'privacy.read', () => panel().seeded.papers.runId],
  ['legalHolds', 'privacy.read', () => panel().seeded.papers.holdId],
  ['acts', 'privacy.read', () => panel().seeded.papers.actNumber],
  ['actSignatures', 'privacy.read', () => panel().seeded.papers.signatureId],
  ['policyVersions', 'privacy.read', () => 1],
  ['policyAcceptances', 'privacy.read', () => toAddress(panel().seeded.papers.acceptanceId)],
  ['consentDocuments', 'privacy.read', () => toAddress(panel().seeded.papers.consentDocumentId)],
  ['consents', 'privacy.read', () => panel().seeded.papers.consentId],
  ['productionCalendars', 'privacy-requests.read', () => 2027],
  ['incidents', 'incidents.read', () => panel().seeded.incidentId],
  ['incidentAccounts', 'incidents.read', () => toAddress(`${panel().seeded.incidentId}|${panel().seeded.accountId}`)],
  ['settings', 'settings.read', () => 'RATE_IP_PER_MINUTE'],
  ['staff', 'staff.read', () => member('support').staffId],
  ['audit', 'audit.read', () => panel().seeded.auditSeq],
];
