import { toAddress } from '../../../src/admin/panel/record-id.ts';
import type { Permission } from '../../../src/auth/roles.ts';
import { newId } from '../../../src/ids.ts';
import { reason } from './desk.ts';

const PROPOSE: readonly Permission[] = ['money.propose', 'money.propose-large'];
const LATER = new Date(Date.now() + 86_400_000).toISOString();
const PRICE = { reason, modelId: 'none', input: '1', output: '2', validFrom: LATER };
const PROVIDER = { reason, baseUrl: 'https://models.example.com/v1', needsKey: 'yes' };
const LIMITS = { contextTokensMax: '9', outputTokensMax: '9', outputTokensDefault: '9', mediaPartTokensMax: '0' };
const MODEL = { reason, name: 'None', ownedBy: 'nobody', ...LIMITS };
const ROUTE = {
  reason,
  version: '0',
  providerId: 'none',
  upstreamModel: 'none',
  routePlace: '0',
  weight: '0',
  enabled: 'no',
};
const PREPARE: readonly Permission[] = ['privacy.open', 'privacy.execute'];
const APPROVE: readonly Permission[] = ['money.approve', 'money.approve-large'];

type Row = readonly [
  path: () => string,
  permission: Permission | readonly Permission[],
  input: Record<string, string>,
  /** What those get who may; the targets do not exist. */
  status?: number,
];

/** A command about a request of a data subject that there is not, with a reason. */
const ofSubject =
  (permission: Row[1]) =>
  (action: string): Row => [() => `privacyRequests/records/${newId('dsr')}/${action}`, permission, { reason }];

/** Every command with what it needs, its path and what it is given. */
export const COMMANDS: readonly Row[] = [
  [() => `accounts/records/${newId('acc')}/adjust`, PROPOSE, { reason, rubles: '1' }],
  [() => `accounts/records/${newId('acc')}/correct`, 'books.act', { reason }],
  [() => `accounts/records/${newId('acc')}/release`, 'books.act', { reason }],
  [() => `requests/records/${newId('req')}/refund`, PROPOSE, { reason, rubles: '1' }],
  [() => `adjustments/records/${newId('adj')}/approve`, APPROVE, { reason }],
  [() => `adjustments/records/${newId('adj')}/reject`, [...PROPOSE, ...APPROVE], { reason }],
  [() => `alerts/records/${newId('alr')}/acknowledge`, 'books.act', { reason }, 409],
  [() => `accounts/records/${newId('acc')}/suspend`, 'accounts.suspend', { reason }],
  [() => `accounts/records/${newId('acc')}/requestSuspension`, 'accounts.request-suspension', { reason }],
  [() => `suspensionRequests/records/${newId('sus')}/grantSuspension`, 'accounts.suspend', { reason }],
  [() => `suspensionRequests/records/${newId('sus')}/declineSuspension`, 'accounts.suspend', { reason }],
  [() => `accounts/records/${newId('acc')}/activate`, 'accounts.suspend', { reason }],
  [
    () => `accounts/records/${newId('acc')}/changePrivacy`,
    PREPARE,
    { reason, zeroRetention: 'yes', domesticOnly: 'no' },
  ],
  [
    () => `accounts/records/${newId('acc')}/changeContact`,
    'contacts.change',
    { reason, email: 'a@example.org', language: 'ru' },
  ],
  [() => 'accounts/actions/findAccount', 'accounts.read', { email: 'a@example.org' }, 200],
  [() => 'models/records/none/enable', 'routing.change', { reason }],
  [() => 'models/records/none/disable', 'routing.change', { reason }],
  [() => 'models/records/none/route', 'routing.change', { reason, route: 'a', enabled: 'no', routePlace: '1' }],
  [() => 'models/actions/createModel', 'routing.change', MODEL, 400],
  [() => 'models/records/none/changeModel', 'routing.change', { ...MODEL, version: '0' }],
  [() => 'models/records/none/addRoute', 'routing.change', { ...ROUTE, route: 'none' }],
  [() => `routes/records/${toAddress('none none')}/rewriteRoute`, 'routing.change', ROUTE],
  [() => `routes/records/${toAddress('none none')}/removeRoute`, 'routing.change', { reason, version: '0' }],
  [() => 'providers/actions/createProvider', 'providers.change', PROVIDER, 400],
  [() => 'providers/records/none/changeProvider', 'providers.change', { ...PROVIDER, version: '0' }],
  [() => 'prices/actions/propose', 'prices.propose', PRICE],
  [() => 'proposals/actions/propose', 'prices.propose', PRICE],
  [() => 'providers/records/none/enable', 'routing.change', { reason }],
  [
    () => 'providers/records/none/setKey',
    ['provider-keys.rotate', 'provider-keys.change'],
    { reason, apiKey: 'sk-none-1234' },
  ],
  [() => 'providers/records/none/removeKey', 'provider-keys.change', { reason }],
  [() => 'models/records/none/weigh', 'routing.change', { reason, route: 'a', weight: '1' }],
  [() => 'providers/records/none/disable', 'routing.change', { reason }],
  [() => `failedJobs/records/${toAddress('maintenance/none')}/retryJob`, 'routing.change', { reason }],
  [() => 'failedJobs/records/none/retryJob', 'routing.change', { reason }],
  [() => 'queues/records/webhooks/retryFailed', 'routing.change', { reason }, 200],
  [() => 'queues/records/webhooks/drainFailed', 'routing.change', { reason }, 200],
  [() => `proposals/records/${newId('ppr')}/approvePrice`, 'prices.approve', { reason }],
  [() => `proposals/records/${newId('ppr')}/rejectPrice`, ['prices.propose', 'prices.approve'], { reason }],
  [() => `keys/records/${newId('key')}/revoke`, 'keys.revoke', { reason }],
  [() => `keys/records/${newId('key')}/enableWebhook`, 'requests.act', { reason }],
  [() => `requests/records/${newId('req')}/cancel`, 'requests.act', { reason }],
  [() => `deliveries/records/${newId('evt')}/redeliver`, 'requests.act', { reason }],
  [
    () => 'tickets/actions/openTicket',
    'tickets.act',
    { accountId: newId('acc'), priority: 'normal', subject: 'none', text: reason },
  ],
  [() => `tickets/records/${newId('tkt')}/assign`, 'tickets.act', {}],
  [() => `tickets/records/${newId('tkt')}/reply`, 'tickets.act', { text: reason }],
  [() => `tickets/records/${newId('tkt')}/note`, 'tickets.act', { text: reason }],
  [() => `tickets/records/${newId('tkt')}/refundTicket`, PROPOSE, { reason, rubles: '1' }],
  [() => `tickets/records/${newId('tkt')}/resolve`, 'tickets.act', { reason }],
  [() => `tickets/records/${newId('tkt')}/openContent`, 'content.break-glass', { reason, minutes: '5' }],
  [() => `contentGrants/records/${newId('cgr')}/readContent`, 'content.break-glass', {}],
  [() => `contentGrants/records/${newId('cgr')}/closeContent`, 'content.break-glass', {}],
  [
    () => 'privacyRequests/actions/fileSubject',
    PREPARE,
    { accountId: newId('acc'), subjectType: 'access', email: 'a@example.org' },
  ],
  [() => `privacyRequests/records/${newId('dsr')}/verifyIdentity`, PREPARE, { identity: 'signed_letter' }],
  [() => `privacyRequests/records/${newId('dsr')}/planErasure`, PREPARE, {}],
  [() => `privacyRequests/records/${newId('dsr')}/submitErasure`, PREPARE, {}],
  [() => `privacyRequests/records/${newId('dsr')}/approveErasure`, 'privacy.execute', { manifestHash: 'none' }],
  [() => `privacyRequests/records/${newId('dsr')}/retryErasure`, 'privacy.execute', {}],
  [() => `privacyRequests/records/${newId('dsr')}/noticeSent`, PREPARE, { recipient: 'somebody' }],
  [() => `privacyRequests/records/${newId('dsr')}/noticeAnswered`, PREPARE, { recipient: 'somebody' }],
  [() => `privacyRequests/records/${newId('dsr')}/archiveLink`, PREPARE, {}],
  [() => `privacyRequests/records/${newId('dsr')}/archiveRebuild`, PREPARE, {}],
  ...['askIdentity', 'askMore', 'moreCame', 'extendTerm'].map(ofSubject(PREPARE)),
  ...[
    'answerSubject', 'correctSubject', 'holdSubject', 'releaseSubject', 'rejectErasure', 'expireSubject', 'refuseSubject', 'cancelSubject', 'duplicateSubject',
  ].map(ofSubject('privacy.execute')), // biome-ignore format: a list of names
  [() => 'retention/records/none/changeTerm', 'privacy.execute', { reason, value: '7' }],
  [() => 'acts/records/999/keepSigned', 'privacy.execute', { signatureKind: 'scan' }, 400],
  [() => `accounts/records/${newId('acc')}/setHold`, 'privacy.execute', { reason, norm: 'GPK art. 57' }],
  [() => `legalHolds/records/${newId('hld')}/releaseHold`, 'privacy.execute', { reason }],
  [() => `accounts/records/${newId('acc')}/withdrawConsent`, PREPARE, { reason, purpose: 'none' }, 200],
  [
    () => 'policyVersions/actions/publishPolicy',
    'privacy.execute',
    { reason, effectiveAt: '2020-01-01T00:00:00Z' },
    400,
  ],
  [() => 'consentDocuments/actions/publishConsent', 'privacy.execute', { reason, purpose: 'none' }, 400],
  [
    () => 'productionCalendars/actions/enterYear',
    'privacy.execute',
    { reason, year: '2028', off: '01-03', decree: 'A decree of a test' },
    200,
  ],
  [
    () => 'privacyRequests/actions/openUnlawful',
    PREPARE,
    { reason, accountId: newId('acc'), ground: 'minor', identity: 'representative' },
  ],
  [() => 'incidents/actions/openIncident', 'incidents.open', { text: reason }, 200],
  [() => `incidents/records/${newId('inc')}/addFact`, 'incidents.open', { topic: 'harm', text: reason }],
  [() => `incidents/records/${newId('inc')}/linkAccounts`, 'incidents.open', { accountIds: newId('acc') }],
  [() => `incidents/records/${newId('inc')}/draftNotice`, 'incidents.read', { paper: 'first', language: 'ru' }],
  [() => `incidents/records/${newId('inc')}/classifyIncident`, 'incidents.decide', { verdict: 'breach', reason }],
  [() => `incidents/records/${newId('inc')}/noticeSent`, 'incidents.decide', { notice: 'first', sentAt: LATER }],
  [() => `incidents/records/${newId('inc')}/closeIncident`, 'incidents.decide', { reason }],
  [() => `announcements/records/${newId('ann')}/publish`, 'announcements.change', { reason }],
  [() => `announcements/records/${newId('ann')}/endAnnouncement`, 'announcements.change', { reason }],
  [
    () => 'announcements/actions/draft',
    'announcements.change',
    { audience: 'staff', titleRu: 'Работы', titleEn: 'Works', textRu: 'Ночью работы', textEn: 'Works at night' },
    200,
  ],
  [() => `staff/records/${newId('stf')}/changeRole`, 'staff.change', { reason, role: 'auditor' }],
  [() => `staff/records/${newId('stf')}/endSessions`, 'staff.change', { reason }, 200],
  [() => `staff/records/${newId('stf')}/reset`, 'staff.change', { reason }],
  [() => `staff/records/${newId('stf')}/disable`, 'staff.change', { reason }],
];
