import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { fromAddress, toAddress } from '../../src/admin/panel/record-id.ts';
import { PanelResource } from '../../src/admin/panel/resource.ts';
import { REQUESTS } from '../../src/admin/panel/specs-traffic.ts';
import { can, type Permission } from '../../src/auth/roles.ts';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { Request } from '../../src/models/request.ts';
import { STAFF_ROLES, Staff, type StaffRole } from '../../src/models/staff.ts';
import { useStores } from '../helpers/stores.ts';
import { type BackOffice, type SignedIn, signIn, startBackOffice } from './back-office.ts';
import { OWNER_EMAIL, type Seeded, seedPanel } from './seed.ts';

const stores = useStores();
const uploads = mkdtempSync(join(tmpdir(), 'ocelotiq-uploads-'));
const reason = 'because of a test';
let office: BackOffice;
let seeded: Seeded;
const members = new Map<StaffRole, SignedIn>();

beforeAll(async () => {
  office = await startBackOffice(stores, { TMPDIR: uploads });
  seeded = await seedPanel(office);
  for (const role of STAFF_ROLES) members.set(role, await signIn(office.url, role));
});
afterAll(async () => {
  expect(await office.stop()).toBe(0);
  rmSync(uploads, { recursive: true, force: true });
});

function member(role: StaffRole): SignedIn {
  const found = members.get(role);
  if (!found) throw new Error(`nobody is ${role}`);
  return found;
}

/** Every resource with what its reading needs and a record of it. */
const RESOURCES: readonly [id: string, permission: Permission, record: () => string | number][] = [
  ['accounts', 'accounts.read', () => seeded.accountId],
  ['keys', 'keys.read', () => seeded.keyId],
  ['requests', 'requests.read', () => seeded.requestId],
  ['deliveries', 'requests.read', () => seeded.deliveryId],
  ['ledger', 'money.read', () => seeded.ledgerId],
  ['alerts', 'money.read', () => seeded.alertId],
  ['adjustments', 'money.read', () => seeded.adjustmentId],
  ['prices', 'prices.read', () => seeded.priceId],
  ['proposals', 'prices.read', () => seeded.proposalId],
  ['models', 'routing.read', () => toAddress(seeded.modelId)],
  ['providers', 'routing.read', () => seeded.providerId],
  ['tickets', 'tickets.read', () => seeded.ticketId],
  ['contentGrants', 'tickets.read', () => seeded.grantId],
  ['announcements', 'announcements.read', () => seeded.announcementId],
  ['privacyRequests', 'privacy-requests.read', () => seeded.privacyRequestId],
  ['retention', 'privacy.read', () => 'request.content'],
  ['retentionRuns', 'privacy.read', () => seeded.papers.runId],
  ['legalHolds', 'privacy.read', () => seeded.papers.holdId],
  ['acts', 'privacy.read', () => seeded.papers.actNumber],
  ['actSignatures', 'privacy.read', () => seeded.papers.signatureId],
  ['policyVersions', 'privacy.read', () => 1],
  ['policyAcceptances', 'privacy.read', () => toAddress(seeded.papers.acceptanceId)],
  ['consentDocuments', 'privacy.read', () => toAddress(seeded.papers.consentDocumentId)],
  ['consents', 'privacy.read', () => seeded.papers.consentId],
  ['incidents', 'incidents.read', () => seeded.incidentId],
  ['incidentAccounts', 'incidents.read', () => toAddress(`${seeded.incidentId}|${seeded.accountId}`)],
  ['staff', 'staff.read', () => member('support').staffId],
  ['audit', 'audit.read', () => seeded.auditSeq],
];

const PROPOSE: readonly Permission[] = ['money.propose', 'money.propose-large'];
const LATER = new Date(Date.now() + 86_400_000).toISOString();
const PRICE = { reason, modelId: 'none', input: '1', output: '2', validFrom: LATER };
const PREPARE: readonly Permission[] = ['privacy.open', 'privacy.execute'];
const APPROVE: readonly Permission[] = ['money.approve', 'money.approve-large'];

/** Every command with what it needs, its path and what it is given. */
const COMMANDS: readonly [
  path: () => string,
  permission: Permission | readonly Permission[],
  input: Record<string, string>,
  /** What those get who may; the targets do not exist. */
  status?: number,
][] = [
  [() => `accounts/records/${newId('acc')}/adjust`, PROPOSE, { reason, rubles: '1' }],
  [() => `accounts/records/${newId('acc')}/correct`, 'books.act', { reason }],
  [() => `accounts/records/${newId('acc')}/release`, 'books.act', { reason }],
  [() => `requests/records/${newId('req')}/refund`, PROPOSE, { reason, rubles: '1' }],
  [() => `adjustments/records/${newId('adj')}/approve`, APPROVE, { reason }],
  [() => `adjustments/records/${newId('adj')}/reject`, [...PROPOSE, ...APPROVE], { reason }],
  [() => `alerts/records/${newId('alr')}/acknowledge`, 'books.act', { reason }, 409],
  [() => `accounts/records/${newId('acc')}/suspend`, 'accounts.suspend', { reason }],
  [() => `accounts/records/${newId('acc')}/activate`, 'accounts.suspend', { reason }],
  [
    () => `accounts/records/${newId('acc')}/changeContact`,
    'contacts.change',
    { reason, email: 'a@example.org', language: 'ru' },
  ],
  [() => 'accounts/actions/findAccount', 'accounts.read', { email: 'a@example.org' }, 200],
  [() => 'models/records/none/enable', 'routing.change', { reason }],
  [() => 'models/records/none/disable', 'routing.change', { reason }],
  [() => 'models/records/none/route', 'routing.change', { reason, route: 'a', enabled: 'no', priority: '1' }],
  [() => 'prices/actions/propose', 'prices.propose', PRICE],
  [() => 'proposals/actions/propose', 'prices.propose', PRICE],
  [() => 'providers/records/none/enable', 'routing.change', { reason }],
  [
    () => 'providers/records/none/setKey',
    ['provider-keys.rotate', 'provider-keys.change'],
    { reason, apiKey: 'sk-none-1234' },
  ],
  [() => 'providers/records/none/removeKey', 'provider-keys.change', { reason }],
  [() => 'providers/records/none/disable', 'routing.change', { reason }],
  [() => `proposals/records/${newId('ppr')}/approvePrice`, 'prices.approve', { reason }],
  [() => `proposals/records/${newId('ppr')}/rejectPrice`, ['prices.propose', 'prices.approve'], { reason }],
  [() => `keys/records/${newId('key')}/revoke`, 'keys.revoke', { reason }],
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
  [() => `privacyRequests/records/${newId('dsr')}/extendTerm`, PREPARE, { reason }],
  [() => `privacyRequests/records/${newId('dsr')}/approveErasure`, 'privacy.execute', { manifestHash: 'none' }],
  [() => `privacyRequests/records/${newId('dsr')}/retryErasure`, 'privacy.execute', {}],
  [() => `privacyRequests/records/${newId('dsr')}/answerSubject`, 'privacy.execute', { reason }],
  [() => `privacyRequests/records/${newId('dsr')}/correctSubject`, 'privacy.execute', { reason }],
  [() => `privacyRequests/records/${newId('dsr')}/noticeSent`, PREPARE, { recipient: 'somebody' }],
  [() => `privacyRequests/records/${newId('dsr')}/noticeAnswered`, PREPARE, { recipient: 'somebody' }],
  [() => `privacyRequests/records/${newId('dsr')}/archiveLink`, PREPARE, {}],
  [() => `privacyRequests/records/${newId('dsr')}/archiveRebuild`, PREPARE, {}],
  [() => `privacyRequests/records/${newId('dsr')}/refuseSubject`, 'privacy.execute', { reason }],
  [() => `privacyRequests/records/${newId('dsr')}/cancelSubject`, 'privacy.execute', { reason }],
  [() => `privacyRequests/records/${newId('dsr')}/duplicateSubject`, 'privacy.execute', { reason }],
  [() => 'retention/records/none/changeTerm', 'privacy.execute', { reason, value: '7' }],
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

const GENERIC = ['new', 'edit', 'delete', 'bulkDelete', 'constructor', '__proto__'];

describe.each(STAFF_ROLES)('a member in the role %s', (role) => {
  it.each(RESOURCES)('reads %s only with %s, whichever address is used', async (id, permission, record) => {
    const { visitor } = member(role);
    const expected = can(role, permission) ? 200 : 403;
    const reads = [
      `${id}/actions/list`,
      `${id}/actions/search/1`,
      `${id}/actions/search`,
      `${id}/records/${record()}/show`,
    ];
    const statuses = await Promise.all(reads.map(async (path) => (await visitor.read(path)).status));
    expect(statuses).toEqual(reads.map(() => expected));
    const pages = [`${id}/actions/list`, `${id}/records/${record()}/show`];
    const shown = await Promise.all(pages.map((path) => visitor.get(`/admin/resources/${path}`)));
    expect(shown.map(({ status }) => status)).toEqual([expected, expected]);
  });

  it('sees how the queues stand if it looks after them', async () => {
    const { text } = await member(role).visitor.get('/admin/api/dashboard');
    const { queues, schedules } = JSON.parse(text) as {
      queues?: { queue: string }[];
      schedules?: { name: string }[];
    };
    expect(schedules?.map(({ name }) => name).includes('retention')).toBe(can(role, 'routing.read') || undefined);
    const expected = ['interactive', 'background', 'webhooks', 'maintenance'];
    expect(queues?.map(({ queue }) => queue)).toEqual(can(role, 'routing.read') ? expected : undefined);
  });

  it.each(['day', 'month'])('sees the charts of a %s that its permissions are about', async (range) => {
    const { text } = await member(role).visitor.get(`/admin/api/dashboard?range=${range}`);
    const { traffic } = JSON.parse(text) as { traffic: { range: string; hours: object[]; providers?: object[] } };
    const [seesRequests, seesMoney] = [can(role, 'requests.read'), can(role, 'money.read')];
    const members = [...(seesRequests ? ['requests', 'failed', 'tokens'] : []), ...(seesMoney ? ['rubles'] : [])];
    expect(traffic.range).toBe(range);
    expect(Object.keys(traffic.hours[0] ?? {}).sort()).toEqual(['at', ...members].sort());
    expect(traffic.providers?.length).toBe(can(role, 'routing.read') ? 1 : undefined);
    expect(text.includes('"revenue"')).toBe(seesMoney);
  });

  it('is told of the collections it may read only', async () => {
    const { text } = await member(role).visitor.get('/admin');
    for (const [id, permission] of RESOURCES)
      expect([id, text.includes(`"id":"${id}","name"`)]).toEqual([id, can(role, permission)]);
  });

  it('gives the commands of the table and no other', async () => {
    const { visitor, staffId } = member(role);
    for (const [path, needed, input, expected = 404] of COMMANDS) {
      const may = [needed].flat().some((permission) => can(role, permission));
      const at = path();
      const { status } = await visitor.command(at, input);
      expect([at, status]).toEqual([at, may ? expected : 403]);
    }
    const invited = await visitor.command('staff/actions/invite', { email: `new-${role}@example.com`, role: 'admin' });
    expect(invited.status).toBe(can(role, 'staff.change') ? 200 : 403);
    const verified = await visitor.command('audit/actions/verify', {});
    expect(verified.status).toBe(can(role, 'audit.read') ? 200 : 403);
    expect((await visitor.post('/admin/audit.csv', {})).status).toBe(can(role, 'audit.read') ? 200 : 403);
    const pack = await visitor.post(`/admin/files/privacyRequests/${seeded.privacyRequestId}/evidencePack`, {});
    expect(pack.status).toBe(can(role, 'privacy.read') ? 200 : 403);
    const denied = await AuditEntry.countDocuments({ actorId: staffId, outcome: 'denied' });
    expect(denied).toBeGreaterThan(0);
  });

  it('sees the owner’s address whole only to write to the owner, and in no list', async () => {
    const { visitor } = member(role);
    const record = await visitor.read(`accounts/records/${seeded.accountId}/show`);
    const expected = can(role, 'contacts.read') ? `${OWNER_EMAIL} (en)` : 'o…@example.org';
    expect(record.body).toMatchObject({ record: { params: { ownerEmail: expected } } });
    expect((await visitor.read('accounts/actions/list')).text).not.toContain('@example.org"');
    const found = await visitor.command('accounts/actions/findAccount', { email: OWNER_EMAIL.toUpperCase() });
    expect(JSON.parse(found.text)).toEqual({ done: true, accountIds: [seeded.accountId] });
  });

  it('gets no hash, secret, ciphertext or content in any answer', async () => {
    const { visitor, secret } = member(role);
    const texts = [(await visitor.get('/admin')).text, (await visitor.get('/admin/api/dashboard')).text];
    for (const [id, , record] of RESOURCES) {
      texts.push((await visitor.read(`${id}/actions/list`)).text);
      texts.push((await visitor.read(`${id}/records/${record()}/show`)).text);
    }
    const all = texts.join('\n');
    const tokens = [...members.values()].flatMap((one) => [
      one.secret,
      ...one.recoveryCodes,
      one.visitor.cookie.slice(-43),
    ]);
    for (const hidden of [...seeded.secrets, ...tokens, secret]) expect(all).not.toContain(hidden);
    expect(all).not.toMatch(/digest|passwordHash|recoveryCodes|"totp|ciphertext|\$numberLong/);
    const answers = texts.slice(1).join('\n');
    if (!can(role, 'money.read')) expect(answers).not.toMatch(/777\.654321|"(available|held|cost|hold)"/);
    else expect(answers).toContain('777.654321 ₽');
  });

  it('has a page whose state cannot be ended by what customers typed', async () => {
    const { text } = await member(role).visitor.get('/admin');
    expect(text.match(/<script nonce="/g)).toHaveLength(2);
    expect(text).not.toContain('fonts.googleapis');
  });
});

describe.each(['admin', 'support'] as const)('a member in the role %s', (role) => {
  it.each(RESOURCES)('finds no address to create, change or delete %s', async (id, _, record) => {
    const { visitor } = member(role);
    const paths = GENERIC.flatMap((action) => [
      `${id}/actions/${action}`,
      `${id}/records/${record()}/${action}`,
      `${id}/bulk/${action}?recordIds=${record()}`,
    ]);
    const statuses = await Promise.all(
      paths.flatMap((path) => [
        visitor.get(`/admin/api/resources/${path}`),
        visitor.command(path, { status: 'active' }),
      ]),
    );
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([404]));
  });
});

describe('a command', () => {
  it('is carried out, shown and written down', async () => {
    const { visitor, staffId } = member('finance');
    const path = `accounts/records/${seeded.accountId}`;
    expect((await visitor.command(`${path}/suspend`, { reason })).status).toBe(200);
    const shown = await visitor.read(`${path}/show`);
    expect(shown.body).toMatchObject({ record: { params: { status: 'suspended', statusReason: reason } } });
    const actions = (shown.body.record as { recordActions: { name: string }[] }).recordActions.map(({ name }) => name);
    expect(actions).toContain('activate');
    expect(actions).not.toContain('suspend');
    expect((await visitor.command(`${path}/suspend`, { reason })).status).toBe(409);
    expect((await visitor.command(`${path}/activate`, { reason })).status).toBe(200);
    const entries = await AuditEntry.find({ actorId: staffId, targetId: seeded.accountId }).lean();
    expect(entries.map(({ outcome }) => outcome)).toEqual(['begun', 'done', 'begun', 'failed', 'begun', 'done']);
  });

  it('of each kind does what it says', async () => {
    const { visitor } = member('operator');
    const answers = await Promise.all([
      visitor.command(`keys/records/${seeded.keyId}/revoke`, { reason }),
      visitor.command(`requests/records/${seeded.openRequestId}/cancel`, { reason }),
      visitor.command(`deliveries/records/${seeded.deliveryId}/redeliver`, { reason }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(JSON.parse(answers[0].text)).toMatchObject({ told: true });
    expect((await ApiKey.findById(seeded.keyId).lean())?.revokedAt).toBeInstanceOf(Date);
    expect((await Request.findById(seeded.openRequestId).lean())?.state).toBe('cancelled');
    expect((await Delivery.findById(seeded.deliveryId).lean())?.state).toBe('pending');
  });

  it('invites with a link that is shown once and is nowhere else', async () => {
    const { visitor } = member('admin');
    const answer = await visitor.command('staff/actions/invite', { email: 'invited@example.com', role: 'support' });
    const { link } = JSON.parse(answer.text) as { link: string };
    expect(link).toMatch(new RegExp(`^${office.url}/invitation#[\\w-]{43}$`));
    const token = link.slice(-43);
    expect(JSON.stringify(await AuditEntry.find({}).lean())).not.toContain(token);
    expect(JSON.stringify(await Staff.find({}).lean())).not.toContain(token);
    expect(
      (await visitor.command('staff/actions/invite', { email: 'invited@example.com', role: 'support' })).status,
    ).toBe(409);
  });

  it('is not given with GET', async () => {
    const { visitor } = member('admin');
    const before = await Account.findById(seeded.accountId).lean();
    const { status } = await visitor.read(`accounts/records/${seeded.accountId}/suspend?reason=${reason}`);
    expect(status).toBe(200);
    expect(await Account.findById(seeded.accountId).lean()).toEqual(before);
    expect((await visitor.get('/admin/audit.csv')).status).toBe(404);
  });

  it('is not for oneself where it must not be', async () => {
    const { visitor, staffId } = member('admin');
    for (const action of ['disable', 'reset', 'changeRole']) {
      const input = action === 'changeRole' ? { reason, role: 'support' } : { reason };
      expect((await visitor.command(`staff/records/${staffId}/${action}`, input)).status).toBe(403);
    }
  });

  const path = () => `accounts/records/${seeded.accountId}/suspend`;
  it.each([
    ['unknown fields', { reason, availableMicros: '1' }],
    ['a status of its own', { reason, status: 'active' }],
    ['no reason', {}],
    ['an operator instead of a reason', { reason: { $gt: '' } }],
    ['a list', [reason]],
  ])('with %s is refused', async (_, input) => {
    expect((await member('admin').visitor.command(path(), input)).status).toBe(400);
    expect((await Account.findById(seeded.accountId).lean())?.status).toBe('active');
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['no token', { 'x-form-token': '' }],
    ['a wrong token', { 'x-form-token': 'A'.repeat(43) }],
  ])('from %s is refused', async (_, headers) => {
    expect((await member('admin').visitor.command(path(), { reason }, headers)).status).toBe(403);
    expect((await Account.findById(seeded.accountId).lean())?.status).toBe('active');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'as %s is refused',
    async (type) => {
      const { status } = await member('admin').visitor.command(path(), { reason }, { 'content-type': type });
      expect(status).toBe(415);
    },
  );

  it('that is too long is refused', async () => {
    expect((await member('admin').visitor.command(path(), { reason: 'x'.repeat(40_000) })).status).toBe(413);
  });
});

it.each(['openai/gpt-4o', 'a~b', 'a/b#12', 'acc_01', '~2f', 'a b?c=d&e%2f'])(
  'the id %s stands in addresses and comes back',
  (id) => {
    expect(toAddress(id)).toMatch(/^[\w:@.~-]+$/);
    expect(fromAddress(toAddress(id))).toBe(id);
  },
);

describe('a search', () => {
  const list = (query: string) => member('admin').visitor.read(`requests/actions/list?${query}`);
  const idsOf = (body: Record<string, unknown>) => (body.records as { id: string }[]).map(({ id }) => id);

  it('finds by account, state, beginning of the id and time', async () => {
    expect(idsOf((await list(`filters.accountId=${seeded.accountId}`)).body)).toHaveLength(2);
    expect(idsOf((await list('filters.state=done')).body)).toEqual([seeded.requestId]);
    expect(idsOf((await list(`filters.id=${seeded.requestId.slice(0, 29)}`)).body)).toContain(seeded.requestId);
    const from = new Date(Date.now() - 3_600_000).toISOString();
    expect(idsOf((await list(`filters.createdAt~~from=${from}`)).body)).toHaveLength(2);
    expect(idsOf((await list(`filters.createdAt~~to=${from}`)).body)).toHaveLength(0);
    expect((await list('filters.model=other')).body).toMatchObject({ records: [], meta: { total: 0 } });
  });

  it.each([
    'filters.state.$ne=done',
    'filters.accountId.$gt=',
    'filters.input=x',
    'filters.$where=1',
    'filters.__proto__.x=1',
    'filters.createdAt~~$gt=2026-01-01',
    'filters.createdAt~~from=yesterday',
    'filters.accountId=%7B%22$ne%22:null%7D',
    'filters.state=nothing',
  ])('%s is refused, or finds what no filter finds', async (query) => {
    const { status, body } = await list(query);
    if (status === 200) expect(idsOf(body).sort()).toEqual([seeded.requestId, seeded.openRequestId].sort());
    else expect(status).toBe(400);
  });

  it('by what no index finds looks at the newest only, as many as it is allowed to', async () => {
    const filter = { filters: { state: { path: 'state', value: 'done' } } } as never;
    const context = { currentAdmin: { role: 'admin' } } as never;
    const found = async (scanMax: number) => {
      const resource = new PanelResource(
        { ...REQUESTS, scanMax },
        { open: () => Promise.reject(new Error('nothing is sealed here')) },
      );
      const records = await resource.find(filter, { limit: 10 }, context);
      return [records.length, await resource.count(filter, context)];
    };
    expect(await found(1)).toEqual([0, 0]);
    expect(await found(2)).toEqual([1, 1]);
  });

  it('is bounded however much is asked for', async () => {
    const { body } = await list('perPage=100000&page=1');
    expect(idsOf(body).length).toBeLessThanOrEqual(100);
    for (const query of ['page=-5', 'page=x', 'page=1e9', 'perPage=-1', 'perPage=x', 'sortBy=input&direction=x'])
      expect((await list(query)).status).toBe(200);
  });
});

/** A request with a file in its body, as no browser sends it with GET. */
function sendUpload(method: 'GET' | 'POST', path: string): Promise<number> {
  const { visitor } = member('admin');
  const body = `--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n${'a'.repeat(100_000)}\r\n--x--\r\n`;
  const headers = {
    cookie: visitor.cookie,
    'sec-fetch-site': 'same-origin',
    'x-form-token': visitor.formToken,
    'content-type': 'multipart/form-data; boundary=x',
    'content-length': String(body.length),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${office.url}/admin/api/${path}`, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

test('no upload of a signed-in member reaches the disk, by whichever method and address', async () => {
  const list = 'resources/accounts/actions/list';
  expect(await sendUpload('GET', list)).toBe(200);
  expect(await sendUpload('GET', 'dashboard')).toBe(200);
  expect(await sendUpload('POST', list)).toBe(415);
  expect(await sendUpload('POST', `resources/accounts/records/${seeded.accountId}/suspend`)).toBe(415);
  expect(readdirSync(uploads)).toEqual([]);
});

test('reading changes nothing: two rounds of every address leave the same database, but for who was seen', async () => {
  const { visitor } = member('admin');
  const snapshot = async () =>
    JSON.stringify(
      [
        await Account.find({}).lean(),
        await ApiKey.find({}).lean(),
        await Request.find({}).lean(),
        await Staff.find({}).lean(),
      ],
      (_, value) => (typeof value === 'bigint' ? String(value) : value),
    );
  const [before, entries] = [await snapshot(), await AuditEntry.countDocuments({})];
  for (const [id, , record] of RESOURCES) {
    for (const action of [
      'show',
      'suspend',
      'activate',
      'revoke',
      'cancel',
      'redeliver',
      'disable',
      'reset',
      'endSessions',
    ])
      await visitor.read(`${id}/records/${record()}/${action}`);
    for (const action of ['list', 'search', 'invite', 'verify', 'export'])
      await visitor.read(`${id}/actions/${action}`);
  }
  expect(await snapshot()).toBe(before);
  expect(await AuditEntry.countDocuments({})).toBe(entries);
});

test('the audit log is whole after all of this, and goes out as a table', async () => {
  const { visitor } = member('auditor');
  const check = JSON.parse((await visitor.command('audit/actions/verify', {})).text) as Record<string, unknown>;
  expect(check.brokenAt).toBeUndefined();
  expect(check.entries).toBeGreaterThan(50);
  const table = await visitor.post('/admin/audit.csv', {});
  expect(table.headers.get('content-disposition')).toBe('attachment; filename="audit.csv"');
  expect(table.text.split('\r\n').length).toBeGreaterThan(50);
});
