import { randomBytes } from 'node:crypto';
import { createAuditLog } from '../../src/audit/append.ts';
import { issueKey } from '../../src/auth/keys.ts';
import { proposeAdjustment } from '../../src/billing/adjustments.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { proposePrice } from '../../src/billing/price-proposals.ts';
import { requestSuspension } from '../../src/billing/suspension-requests.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { AiModel, Price, Provider } from '../../src/models/ai-model.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery, type DeliveryDocument } from '../../src/models/delivery.ts';
import { ReconciliationAlert } from '../../src/models/reconciliation-alert.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import { setContact } from '../../src/privacy/account-contact.ts';
import { enterYear } from '../../src/privacy/calendar-store.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { createEmailIndex } from '../../src/privacy/email-index.ts';
import { linkAccounts, openIncident } from '../../src/privacy/incidents.ts';
import { fileRequest } from '../../src/privacy/privacy-requests.ts';
import { applyBatch } from '../../src/rollups/apply-batch.ts';
import { incrementsOf, RollupSum } from '../../src/rollups/count-request.ts';
import { draftAnnouncement, publishAnnouncement } from '../../src/support/announcements.ts';
import { grantAccess } from '../../src/support/content-access.ts';
import { openTicket } from '../../src/support/tickets.ts';
import { type SeededPapers, seedPapers } from './seed-papers.ts';

/** One of everything the panel shows, and what must never be seen of it. */

export type Seeded = {
  accountId: string;
  keyId: string;
  requestId: string;
  openRequestId: string;
  deliveryId: string;
  modelId: string;
  providerId: string;
  priceId: string;
  proposalId: string;
  ledgerId: string;
  alertId: string;
  adjustmentId: string;
  auditSeq: number;
  ticketId: string;
  grantId: string;
  suspensionRequestId: string;
  announcementId: string;
  privacyRequestId: string;
  papers: SeededPapers;
  incidentId: string;
  /** Texts that must not leave the server in any answer. */
  secrets: string[];
};

export const OWNER_EMAIL = 'owner.of.the.seed@example.org';

const RATES = {
  inputMicrosPerMillion: 100_000_000n,
  cachedInputMicrosPerMillion: 50_000_000n,
  cacheWriteMicrosPerMillion: 100_000_000n,
  outputMicrosPerMillion: 400_000_000n,
  reasoningMicrosPerMillion: 400_000_000n,
  requestMicros: 0n,
};

function requestRow(accountId: string, keyId: string, at: Date, row: Partial<RequestDocument>): RequestDocument {
  return {
    _id: newId('req', at.getTime()),
    accountId,
    keyId,
    endpoint: 'chat.completions',
    model: 'ocelotiq/sandbox',
    mode: 'async',
    stream: false,
    state: 'done',
    attempt: 1,
    attemptsMax: 1,
    call: 'sent',
    includeUsage: true,
    price: { ...RATES, priceId: 'price-1', version: 1 },
    holdMicros: 5_000_000n,
    costMicros: 1_230_000n,
    inputTokensBound: 10,
    outputTokensMax: 100,
    choices: 1,
    settled: true,
    attempts: [{ routeId: 'main', providerId: 'sandbox', outcome: 'ok', status: 200, ms: 120, at }],
    watchers: 0,
    onDisconnect: 'cancel',
    zeroRetention: false,
    createdAt: at,
    deadlineAt: new Date(at.getTime() + 60_000),
    ...row,
  };
}

/** Puts one of everything into the database. */
export async function seedPanel(secrets: { pepper: Buffer; masterKey: Buffer }): Promise<Seeded> {
  const cipher = createContentCipher(new Map([[1, secrets.masterKey]]));
  const accountId = newId('acc');
  await createAccount(accountId);
  const ledgerId = newId('pay');
  await creditAccount({ accountId, entryId: ledgerId, amountMicros: 777_654_321n, kind: 'top_up' });
  await flushOutboxes([accountId], createLogger({ role: 'test', level: 'silent' }));
  const { document, key, webhookSecret } = await issueKey(
    { accountId, label: '<img src=x onerror=alert(1)>', callbackUrl: 'https://hooks.example.com/canary-path' },
    { pepper: secrets.pepper, seal: cipher.seal },
  );
  const sealed = [randomBytes(40), randomBytes(40), randomBytes(40)] as const;
  const requests = nativeCollection<RequestDocument>(Request);
  // Identifiers of the same millisecond have no order: which of the two is the newer must not be chance.
  const openedAt = new Date();
  const done = requestRow(accountId, document._id, new Date(openedAt.getTime() - 1_000), {
    input: sealed[0],
    result: sealed[1],
    resultKind: 'json',
    idemKey: 'canary-idempotency-key',
    fingerprint: 'canary-fingerprint',
    claimToken: 'canary-claim-token',
    replyTo: 'canary-reply-channel',
    error: { code: 'provider_error', message: 'canary-error-message', status: 502 },
    provider: { routeId: 'main', providerId: 'sandbox', upstreamModel: 'sandbox-1', upstreamId: 'canary-upstream-id' },
    usage: { promptTokens: 3, cachedTokens: 0, cacheWriteTokens: 0, completionTokens: 5, reasoningTokens: 0 },
    usageSource: 'provider',
  });
  const open = requestRow(accountId, document._id, openedAt, {
    state: 'accepted',
    call: 'none',
    settled: false,
    attempts: [],
  });
  await requests.insertMany([done, open]);
  const delivery: DeliveryDocument = {
    _id: newId('evt'),
    requestId: done._id,
    accountId,
    keyId: document._id,
    type: 'request.completed',
    url: sealed[2],
    fromKey: true,
    state: 'failed',
    attempt: 1,
    nextAttemptAt: new Date(),
    attempts: [{ at: new Date(), outcome: 'http', status: 500, ms: 12 }],
    createdAt: new Date(),
  };
  await nativeCollection<DeliveryDocument>(Delivery).insertOne(delivery);
  const alertId = newId('alr');
  await ReconciliationAlert.create({
    _id: alertId,
    accountId,
    kind: 'balance_differs',
    seq: 1n,
    expected: '777654321',
    found: '777654320',
    status: 'open',
    unresolved: true,
    firstSeenAt: new Date(),
    lastSeenAt: new Date(),
  });
  const proposal = { accountId, amountMicros: 5_000_000n, reason: 'goodwill after an outage', by: newId('stf') };
  const { _id: adjustmentId } = await proposeAdjustment(proposal, Date.now());
  await AiModel.create({
    _id: 'ocelotiq/sandbox',
    name: 'Sandbox',
    ownedBy: 'ocelotiq',
    createdAt: new Date(),
    contextTokensMax: 8_000,
    outputTokensMax: 4_000,
    outputTokensDefault: 1_000,
    mediaPartTokensMax: 1_000,
    routes: [{ id: 'main', providerId: 'sandbox', upstreamModel: 'sandbox-1' }],
  });
  const headers = { 'x-organisation': 'canary-provider-header' };
  await Provider.create({ _id: 'sandbox', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', headers });
  await Price.create({ _id: 'price-1', modelId: 'ocelotiq/sandbox', version: 1, validFrom: new Date(), ...RATES });
  const validFrom = new Date(Date.now() + 86_400_000);
  const wish = { modelId: 'ocelotiq/sandbox', rates: RATES, validFrom, reason: 'cheaper upstream', by: newId('stf') };
  const { _id: proposalId } = await proposePrice(wish, Date.now());
  const opening = { accountId, by: document._id, requestId: done._id, subject: 'Two answers', text: 'Charged twice?' };
  const tools = { cipher, emailIndex: createEmailIndex(new Map([[1, secrets.masterKey]])) };
  await setContact(accountId, { email: OWNER_EMAIL, language: 'en' }, document._id, tools);
  const { _id: ticketId } = await openTicket({ ...opening, contentConsent: true }, cipher);
  const access = { ticketId, staffId: newId('stf'), minutes: 5, reason: 'to see which of the two', needsConsent: true };
  const { _id: grantId } = await grantAccess(access, cipher);
  const suspicion = { accountId, reason: 'many refusals of the provider', by: newId('stf') };
  const { _id: suspensionRequestId } = await requestSuspension(suspicion, Date.now());
  const letter = { accountId, type: 'erase_account', channel: 'letter', contact: OWNER_EMAIL } as const;
  const { _id: privacyRequestId } = await fileRequest({ ...letter, receivedAt: new Date(), by: newId('stf') }, cipher);
  await enterYear({
    year: 2027,
    off: ['01-01', '01-04'],
    working: ['11-13'],
    source: 'A decree of a test',
    by: newId('stf'),
  });
  const noticed = {
    detectedAt: new Date(),
    text: 'A list of addresses was sent to the wrong person.',
    by: newId('stf'),
  };
  const { _id: incidentId } = await openIncident(noticed, cipher);
  await linkAccounts(incidentId, [accountId], noticed.by);
  const announcementId = await draftAnnouncement({
    audience: 'everybody',
    title: { ru: 'Работы ночью', en: 'Maintenance at night' },
    text: { ru: 'С 2 до 3 часов ответы могут идти дольше.', en: 'Answers may take longer from 2 to 3.' },
    by: newId('stf'),
  });
  await publishAnnouncement(announcementId, { by: newId('stf') });
  const hours = Array.from({ length: 60 }, (_, hour) => openedAt.getTime() - hour * 3 * 3_600_000);
  const counted = hours.flatMap((timeMs, index) =>
    Array.from({ length: 1 + ((index * 7) % 5) }, () =>
      incrementsOf({ ...done, _id: newId('req', timeMs) }, 1_230_000n),
    ),
  );
  const sum = new RollupSum();
  sum.add(counted.flat());
  await applyBatch(1, { increments: sum.all() });
  const facts = { actorKind: 'script', action: 'seed', outcome: 'done' } as const;
  const auditSeq = await createAuditLog(secrets.pepper).append(facts);
  return {
    accountId,
    keyId: document._id,
    requestId: done._id,
    openRequestId: open._id,
    deliveryId: delivery._id,
    modelId: 'ocelotiq/sandbox',
    providerId: 'sandbox',
    priceId: 'price-1',
    proposalId,
    ledgerId,
    alertId,
    adjustmentId,
    auditSeq,
    ticketId,
    grantId,
    suspensionRequestId,
    announcementId,
    privacyRequestId,
    papers: await seedPapers(accountId, document._id, cipher),
    incidentId,
    secrets: [
      key,
      document.digest,
      webhookSecret,
      'canary',
      '$argon2',
      ...sealed.flatMap((bytes) => [bytes.toString('base64').slice(0, 20), bytes.toString('hex').slice(0, 20)]),
    ],
  };
}
