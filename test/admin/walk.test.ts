import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { toAddress } from '../../src/admin/panel/record-id.ts';
import { SPECS } from '../../src/admin/panel/specs.ts';
import { can } from '../../src/auth/roles.ts';
import { inviteStaff } from '../../src/auth/staff.ts';
import { Account } from '../../src/models/account.ts';
import { Adjustment } from '../../src/models/adjustment.ts';
import { AiModel, Price } from '../../src/models/ai-model.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { ContentGrant } from '../../src/models/content-grant.ts';
import { PriceProposal } from '../../src/models/price-proposal.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import { STAFF_ROLES, type StaffRole } from '../../src/models/staff.ts';
import { Ticket } from '../../src/models/ticket.ts';
import { signaturesOf } from '../../src/privacy/act-signatures.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { retentionValue } from '../../src/privacy/retention-settings.ts';
import { rowClass } from '../../src/privacy/row-classes.ts';
import { codeOf, PASSWORD } from '../auth/staff-desk.ts';
import { useStores } from '../helpers/stores.ts';
import { type BackOffice, type SignedIn, signIn, startBackOffice } from './back-office.ts';
import { barriers, type Language, openBrowser, picture, type Window } from './browser.ts';
import { ALIVE, DEAD, goTo, HOSTILE, HOSTILE_ADDRESSES, seedHostileTexts } from './hostile-texts.ts';
import { type Seeded, seedPanel } from './seed.ts';
import { FAILED_JOB, seedFailedJobs } from './seed-jobs.ts';
import { keepTelling } from './told-health.ts';

/** The back-office as a person sees it, in a real browser. */

const noBrowser = process.env.OCELOTIQ_NO_CHROMIUM;
if (noBrowser) console.warn(`The back-office is not tested in a browser: ${noBrowser}`);

const stores = useStores();
const ROLE_LANGUAGES: Readonly<Record<StaffRole, Language>> = {
  support: 'ru',
  operator: 'en',
  finance: 'ru',
  admin: 'en',
  auditor: 'ru',
};
/** In the browser: where each button over a record ends. */
const RIGHT_ENDS =
  "[...document.querySelectorAll('.adminjs_ButtonGroupItem')].map((one) => one.getBoundingClientRect().right)";
const SIDEBAR = '[data-css=sidebar] a[href^="/admin/resources/"]';

(noBrowser ? describe.skip : describe)('the back-office in a browser', () => {
  let office: BackOffice;
  let window: Window;
  let seeded: Seeded;
  const members = new Map<StaffRole, SignedIn>();

  beforeAll(async () => {
    office = await startBackOffice(stores);
    seeded = await seedPanel(office);
    await seedFailedJobs(stores);
    for (const role of STAFF_ROLES) members.set(role, await signIn(office.url, role));
    window = await openBrowser(office.url);
  }, 240_000);
  afterAll(async () => {
    await window?.close();
    await office.stop();
  });

  function openAs(role: StaffRole, language: Language): Promise<Page> {
    return window.open(language, members.get(role)?.visitor.cookie);
  }

  it.each(['ru', 'en'] as const)('lets a new member in from the invitation to the panel in %s', async (language) => {
    const email = `walk-${language}@example.com`;
    const { token } = await inviteStaff(email, 'admin');
    const page = await window.open(language);
    await page.goto(`${office.url}/invitation#${token}`);
    expect(await page.inputValue('[name=token]')).toBe(token);
    await page.fill('[name=password]', PASSWORD);
    await page.fill('[name=repeated]', PASSWORD);
    await picture(page, `1-invitation-${language}`);
    await page.click('main button');
    const secret = (await page.getAttribute('[data-secret]', 'data-secret')) ?? '';
    await picture(page, `2-enrolment-${language}`);
    await page.fill('[name=code]', await codeOf(secret));
    await page.click('main button');
    await page.waitForSelector('.codes li');
    expect(await page.locator('.codes li').count()).toBe(10);
    await picture(page, `3-recovery-${language}`);
    await page.click('main a.button');
    await page.waitForSelector('[data-figure]');
    await picture(page, `4-overview-${language}`);

    await page.goto(`${office.url}/sign-out`);
    await page.click('main button >> nth=0');
    await page.waitForSelector('a[href="/sign-in"]');
    await page.goto(`${office.url}/sign-in`);
    await page.fill('[name=email]', email);
    await page.fill('[name=password]', 'something else');
    await page.click('main button');
    await page.waitForSelector('[role=alert]');
    await picture(page, `5-sign-in-wrong-${language}`);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main button');
    await page.waitForSelector('[name=code]');
    await picture(page, `6-code-${language}`);
    await page.fill('[name=code]', await codeOf(secret, 1));
    await page.click('main button');
    await page.waitForSelector('[data-figure]');
    await page.context().close();
  });

  it.each(STAFF_ROLES)('shows %s what the role may see, and no other page', async (role: StaffRole) => {
    const language = ROLE_LANGUAGES[role];
    const page = await openAs(role, language);
    await page.goto(`${office.url}/admin`);
    await page.waitForSelector('[data-figure]');
    const links = await page.locator(SIDEBAR).all();
    const menu = await Promise.all(links.map(async (link) => (await link.getAttribute('href'))?.split('/').pop()));
    const allowed = SPECS.filter(({ permission }) => can(role, permission)).map(({ id }) => id);
    expect(new Set(menu)).toEqual(new Set(allowed));
    await page.waitForSelector('[data-chart]');
    await picture(page, `7-menu-${role}-${language}`);
    await page.click('[data-range=month]');
    await page.waitForSelector('[data-traffic] svg rect:nth-of-type(30)');
    await picture(page, `7-month-${role}-${language}`);
    const forbidden = SPECS.find(({ permission }) => !can(role, permission));
    if (forbidden) expect((await page.request.get(`${office.url}/admin/resources/${forbidden.id}`)).status()).toBe(403);
    await page.context().close();
  });

  it.each(['ru', 'en'] as const)('shows every list and record in %s without a word left over', async (language) => {
    const page = await openAs('admin', language);
    const records: Record<string, string> = {
      accounts: seeded.accountId,
      keys: seeded.keyId,
      requests: seeded.requestId,
      deliveries: seeded.deliveryId,
      alerts: seeded.alertId,
      adjustments: seeded.adjustmentId,
      suspensionRequests: seeded.suspensionRequestId,
      tickets: seeded.ticketId,
      contentGrants: seeded.grantId,
      announcements: seeded.announcementId,
      privacyRequests: seeded.privacyRequestId,
      settings: 'RATE_IP_PER_MINUTE',
      retention: 'request.content',
      retentionRuns: seeded.papers.runId,
      legalHolds: seeded.papers.holdId,
      acts: String(seeded.papers.actNumber),
      policyVersions: '1',
      incidents: seeded.incidentId,
    };
    await page.goto(`${office.url}/admin`);
    for (const { id } of SPECS) {
      await page.click(`[data-css=sidebar] a[href="/admin/resources/${id}"]`);
      await page.waitForSelector(`[data-css="${id}-table-row"]`);
      await picture(page, `8-${id}-list-${language}`);
      const record = records[id];
      if (record === undefined) continue;
      await page.goto(`${office.url}/admin/resources/${id}/records/${record}/show`);
      await page.waitForSelector(`[data-record="${record}"]`);
      await page.waitForLoadState('networkidle');
      await picture(page, `9-${id}-show-${language}`);
      // Latin words on a Russian page are ids, codes and names; never a label.
      const labels = await page.locator('label').allInnerTexts();
      expect(labels.length).toBeGreaterThan(3);
      if (language === 'ru') expect(labels.filter((label) => /^[a-z ]+$/i.test(label))).toEqual([]);
    }
    await page.context().close();
  });

  it('suspends an account with a reason, invites a member, checks the log', async () => {
    const page = await openAs('admin', 'ru');
    await page.goto(`${office.url}/admin/resources/accounts/records/${seeded.accountId}/suspend`);
    await page.fill('#reason', 'Жалоба на спам, разбираемся');
    await picture(page, '10-suspend-ru');
    await page.click('[data-command=suspend] button[type=submit]');
    await page.waitForSelector('[data-outcome=done]');
    await picture(page, '10-suspended-ru');
    expect((await Account.findById(seeded.accountId).lean())?.status).toBe('suspended');

    await page.goto(`${office.url}/admin/resources/staff/actions/invite`);
    await page.fill('#email', 'picture@example.com');
    expect(await page.textContent('[data-command=invite] [class*=control]')).toContain('Выберите');
    await page.click('[data-command=invite] [class*=control]');
    await page.keyboard.press('Enter');
    await page.click('[data-command=invite] button[type=submit]');
    await page.waitForSelector('[data-link=invitation]');
    await picture(page, '11-invited-ru');

    await page.goto(`${office.url}/admin/resources/audit/actions/verify`);
    await page.click('[data-tool=verify] button');
    await page.waitForSelector('[data-verdict=good]');
    await picture(page, '12-audit-ru');
    await page.goto(`${office.url}/admin/resources/requests`);
    await page.waitForSelector('tbody tr');
    await page.click(':text-is("Фильтр")');
    await page.waitForSelector('[name="filter-model"]');
    await page.locator('[name="filter-model"]').fill('ocelotiq/sandbox');
    await picture(page, '13-filter-ru');
    await page.context().close();
  });

  it('moves money only when a second person approves what a first one proposed', async () => {
    const available = async () => (await Account.findById(seeded.accountId).lean())?.availableMicros ?? 0n;
    const before = await available();
    const first = await openAs('support', 'ru');
    await first.goto(`${office.url}/admin/resources/accounts/records/${seeded.accountId}/adjust`);
    await first.fill('#rubles', '150,50');
    await first.fill('#reason', 'Возмещение за сбой 24 ноября');
    await picture(first, '14-propose-ru');
    await first.click('[data-command=adjust] button[type=submit]');
    await first.waitForSelector('[data-outcome=done]');
    await first.context().close();
    const proposed = await Adjustment.findOne({ amountMicros: 150_500_000n }).lean();
    expect(await available()).toBe(before);

    const second = await openAs('finance', 'en');
    await second.goto(`${office.url}/admin/resources/adjustments/records/${proposed?._id}/show`);
    await second.click('a:has-text("Approve"), button:has-text("Approve")');
    await second.fill('#reason', 'Agreed with the head of support');
    await picture(second, '15-approve-en');
    await second.click('[data-command=approve] button[type=submit]');
    await second.waitForSelector('[data-outcome=done]');
    expect(await available()).toBe(before + 150_500_000n);
    await second.goto(`${office.url}/admin/resources/adjustments/records/${proposed?._id}/show`);
    await second.waitForSelector('[data-value=executed]');
    await picture(second, '16-executed-en');
    await second.context().close();
  });

  it('changes a price when an admin approves what finance proposed', async () => {
    const first = await openAs('finance', 'en');
    await first.goto(`${office.url}/admin/resources/prices`);
    await first.waitForSelector('[data-css="prices-table-row"]');
    await first.goto(`${office.url}/admin/resources/prices/actions/propose`);
    await first.fill('#modelId', seeded.modelId);
    await first.fill('#validFrom', '2036-01-01T00:00');
    await first.fill('#input', '90');
    await first.fill('#output', '350.5');
    await first.fill('#reason', 'The upstream became cheaper');
    await picture(first, '17-propose-price-en');
    await first.click('[data-command=propose] button[type=submit]');
    await first.waitForSelector('[data-outcome=done]');
    await first.context().close();
    const proposal = await PriceProposal.findOne({ inputMicrosPerMillion: 90_000_000n }).lean();

    const second = await openAs('admin', 'ru');
    await second.goto(`${office.url}/admin/resources/proposals/records/${proposal?._id}/approvePrice`);
    await second.fill('#reason', 'Согласовано с финансами');
    await picture(second, '18-approve-price-ru');
    await second.click('[data-command=approvePrice] button[type=submit]');
    await second.waitForSelector('[data-outcome=done]');
    // Midnight in the operator's zone.
    expect(await Price.findById(proposal?._id).lean()).toMatchObject({ validFrom: new Date('2035-12-31T21:00:00Z') });
    await second.goto(`${office.url}/admin/resources/models/records/${toAddress(seeded.modelId)}/show`);
    await second.waitForSelector('[data-related=prices] tbody tr');
    await picture(second, '19-model-ru');
    const change = `${office.url}/admin/resources/models/records/${toAddress(seeded.modelId)}/changeModel`;
    const shorten = async () => {
      await second.goto(change);
      await second.waitForSelector('[data-command=changeModel] #outputTokensDefault');
      expect(await second.inputValue('#outputTokensMax')).toBe('4000');
      await second.fill('#outputTokensDefault', '500');
      await second.fill('#reason', 'Ответы короче');
    };
    await shorten();
    await AiModel.updateOne({ _id: seeded.modelId }, { $inc: { version: 1 } });
    await second.click('[data-command=changeModel] button[type=submit]');
    await second.waitForSelector('[data-outcome=refused]');
    await picture(second, '27-stale-model-ru');
    await shorten();
    await second.click('[data-command=changeModel] button[type=submit]');
    await second.waitForSelector('[data-outcome=done]');
    expect(await AiModel.findById(seeded.modelId).lean()).toMatchObject({ outputTokensDefault: 500 });
    await second.context().close();
  });

  it.each([
    ['operator', 'ru'],
    ['admin', 'en'],
  ] as const)('lets %s try a failed job again in %s', async (role, language) => {
    await seedFailedJobs(stores, [FAILED_JOB, { ...FAILED_JOB, jobId: 'purge-content-2026-11-24' }]);
    const page = await openAs(role, language);
    await page.goto(`${office.url}/admin/resources/queues/records/maintenance/show`);
    await page.waitForSelector('[data-related=failedJobs] tbody tr');
    await picture(page, `23-queue-${language}`);
    await page.click('[data-related=failedJobs] tbody a');
    await page.waitForSelector('[data-record]');
    await picture(page, `24-failed-job-${language}`);
    const job = toAddress(`maintenance/${FAILED_JOB.jobId}`);
    await page.goto(`${office.url}/admin/resources/failedJobs/records/${job}/retryJob`);
    await page.fill('#reason', 'The disk was full');
    await picture(page, `25-retry-${language}`);
    await page.click('[data-command=retryJob] button[type=submit]');
    await page.waitForSelector('[data-outcome=done]');
    await page.goto(`${office.url}/admin/resources/queues/records/maintenance/drainFailed`);
    await page.fill('#reason', 'Another night has purged it');
    await page.click('[data-command=drainFailed] button[type=submit]');
    await page.waitForSelector('[data-taken="1"][data-left="0"]');
    await picture(page, `26-drained-${language}`);
    await page.context().close();
  });

  it('gives money back from a ticket when a second person approves', async () => {
    const first = await openAs('support', 'ru');
    const ticket = `${office.url}/admin/resources/tickets/records/${seeded.ticketId}`;
    await first.goto(`${ticket}/show`);
    await first.waitForSelector('[data-message=customer]');
    await picture(first, '20-ticket-ru');
    const ends = await first.evaluate(RIGHT_ENDS);
    expect(Math.max(...(ends as number[]))).toBeLessThanOrEqual(1_440);
    await first.goto(`${ticket}/refundTicket`);
    await first.fill('#rubles', '1,23');
    await first.fill('#reason', 'Ответ оборвался');
    await picture(first, '21-refund-ru');
    await first.click('[data-command=refundTicket] button[type=submit]');
    await first.waitForSelector('[data-outcome=done]');
    await first.context().close();
    const [adjustmentId] = (await Ticket.findById(seeded.ticketId).lean())?.adjustmentIds ?? [];
    const before = (await Account.findById(seeded.accountId).lean())?.availableMicros ?? 0n;

    const second = await openAs('finance', 'en');
    await second.goto(`${office.url}/admin/resources/adjustments/records/${adjustmentId}/approve`);
    await second.fill('#reason', 'Seen the ticket');
    await second.click('[data-command=approve] button[type=submit]');
    await second.waitForSelector('[data-outcome=done]');
    expect((await Account.findById(seeded.accountId).lean())?.availableMicros).toBe(before + 1_230_000n);
    await second.context().close();
  });

  it.each([
    ['support', 'ru'],
    ['admin', 'en'],
  ] as const)('shows content to %s by breaking glass, as text and nowhere else, in %s', async (role, language) => {
    const prompt = '<img src=x onerror="document.body.remove()"> canary-prompt';
    const { seal } = createContentCipher(new Map([[1, office.masterKey]]));
    const input = await seal(seeded.accountId, `requests|${seeded.requestId}|input`, Buffer.from(prompt));
    await nativeCollection<RequestDocument>(Request).updateOne(
      { _id: seeded.requestId },
      { $set: { input }, $unset: { result: '' } },
    );
    const page = await openAs(role, language);
    await page.goto(`${office.url}/admin/resources/tickets/records/${seeded.ticketId}/openContent`);
    await page.click('[data-command=openContent] [class*=control]');
    await page.keyboard.press('Enter');
    await page.fill('#reason', 'The owner asks why the answer broke off');
    await page.click('[data-command=openContent] button[type=submit]');
    await page.waitForSelector('[data-outcome=done]');
    const { staffId } = members.get(role) as SignedIn;
    const grantId = (await ContentGrant.findOne({ staffId }).lean())?._id ?? '';
    await page.goto(`${office.url}/admin/resources/contentGrants/records/${grantId}/readContent`);
    await page.click('[data-command=readContent] button[type=submit]');
    await page.waitForSelector('[data-content=contentInput]');
    expect(await page.textContent('[data-content=contentInput]')).toBe(prompt);
    expect(await page.locator('img[src=x]').count()).toBe(0);
    await picture(page, `22-content-${language}`);
    for (const at of [`requests/records/${seeded.requestId}`, `contentGrants/records/${grantId}`])
      expect(await (await page.request.get(`${office.url}/admin/api/resources/${at}/show`)).text()).not.toContain(
        'canary',
      );
    await page.goto(`${office.url}/admin/resources/tickets/records/${seeded.ticketId}/show`);
    await page.waitForSelector('[data-message=system]');
    await page.context().close();
  });

  it('shortens a term of keeping once it was seen what goes', async () => {
    const page = await openAs('admin', 'ru');
    await page.goto(`${office.url}/admin/resources/retention/records/delivery/changeTerm`);
    await page.fill('#value', '45');
    await page.fill('#reason', 'Сверка доставок занимает месяц');
    await page.click('[data-command=changeTerm] button[type=submit]');
    await page.waitForSelector('[data-rows="0"]');
    await picture(page, '23-shorter-term-ru');
    await page.click('[data-command=changeTerm] button[type=submit]');
    await page.waitForSelector('[data-outcome=done]');
    expect(await retentionValue(rowClass('delivery'), {})).toBe(45);
    await page.context().close();
  });

  it.each(['ru', 'en'] as const)('hands out an act and keeps its signed copy in %s', async (language) => {
    const page = await openAs('admin', language);
    const act = `${office.url}/admin/resources/acts/records/${seeded.papers.actNumber}`;
    await page.goto(`${act}/show`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-file="act.pdf"]')]);
    expect(download.suggestedFilename()).toBe(`act-${seeded.papers.actNumber}.pdf`);
    const pdf = readFileSync(await download.path());
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.goto(`${act}/keepSigned`);
    await page.click('[data-command=keepSigned] [class*=control]');
    await page.keyboard.press('Enter');
    const buffer = Buffer.concat([pdf, Buffer.from(`\n% signed, ${language}`)]);
    await page.setInputFiles('#content', { name: 'any-name.exe', mimeType: 'application/x-none', buffer });
    await picture(page, `24-signed-copy-${language}`);
    await page.click('[data-command=keepSigned] button[type=submit]');
    await page.waitForSelector('[data-outcome=done]');
    expect((await signaturesOf(seeded.papers.actNumber)).at(-1)).toMatchObject({ bytes: buffer.length, kind: 'scan' });
    await page.goto(`${act}/show`);
    await page.waitForSelector('[data-related=actSignatures] tbody tr:nth-of-type(2)');
    await picture(page, `25-act-${language}`);
    await page.context().close();
  });

  it.each(['ru', 'en'] as const)(
    'shows the weight of a route, and how it stands in the workers, in %s',
    async (language) => {
      const word = { ru: 'разомкнут: вызовов нет', en: 'open: no calls' }[language];
      const stop = await keepTelling(stores, [
        { routeId: 'main', state: 'open', sinceMs: Date.UTC(2026, 10, 26, 7, 30), calls: 12, failed: 9 },
      ]);
      await AiModel.updateOne({ _id: seeded.modelId }, { $set: { 'routes.0.weight': 40 } });
      const page = await openAs('operator', language);
      await page.goto(`${office.url}/admin/resources/routes`);
      const row = page.locator('[data-css="routes-table-row"]', { hasText: seeded.modelId });
      const cell = (name: string) => row.locator(`[data-property-name="${name}"]`).textContent();
      await row.locator('[data-value=open]').waitFor();
      expect(await Promise.all(['weight', 'recentErrors', 'inState'].map(cell))).toEqual([
        '40',
        '75.0 % (9 / 12)',
        '1 / 1',
      ]);
      expect(await cell('breakerState')).toBe(word);
      expect(await cell('breakerSince')).toContain('10:30:00');
      await picture(page, `30-routes-${language}`);
      await page.context().close();
      await stop();
    },
  );

  it('keeps nobody out: axe-core finds nothing serious on a page of each kind', async () => {
    const visitor = await window.open('ru');
    const found: string[] = [];
    const examine = async (page: Page, path: string, selector: string) => {
      await page.goto(`${office.url}${path}`);
      await page.waitForSelector(selector);
      found.push(...(await barriers(page)).map((barrier) => `${path} ${barrier}`));
    };
    await examine(visitor, '/sign-in', '[name=password]');
    await examine(visitor, '/invitation', '[name=password]');
    await visitor.context().close();
    const page = await openAs('admin', 'ru');
    await examine(page, '/admin', '[data-figure]');
    await examine(page, '/admin/resources/tickets', '[data-css="tickets-table-row"]');
    await examine(page, '/admin/resources/settings', '.adminjs_PaginationLink');
    await examine(page, `/admin/resources/tickets/records/${seeded.ticketId}/show`, '[data-message=customer]');
    await examine(page, '/admin/resources/tickets/actions/openTicket', '#text');
    await examine(page, `/admin/resources/acts/records/${seeded.papers.actNumber}/keepSigned`, '#content');
    await page.goto(`${office.url}/admin/resources/requests`);
    await page.waitForSelector('[data-css="requests-table-row"]');
    await page.click(':text-is("Фильтр")');
    await page.waitForSelector('[name="filter-model"]');
    found.push(...(await barriers(page)).map((barrier) => `filter ${barrier}`));
    expect(found).toEqual([]);
    await page.context().close();
  });

  it('shows what somebody typed as text, in lists and records and on the overview, and runs none of it', async () => {
    const pages = await seedHostileTexts(office);
    const page = await openAs('admin', 'en');
    await page.goto(`${office.url}/admin`);
    for (const [path, times] of pages) {
      await page.evaluate(goTo(path));
      await page
        .getByText(HOSTILE)
        .nth(times - 1)
        .waitFor();
      expect([path, await page.evaluate(ALIVE)]).toEqual([path, DEAD]);
    }
    await picture(page, '31-hostile-en');
    const complaints = window.complaints.length;
    for (const path of HOSTILE_ADDRESSES) {
      await page.goto(`${office.url}${path}`);
      expect([path, await page.evaluate(ALIVE)]).toEqual([path, DEAD]);
    }
    await page.context().close();
    // Of the addresses that lead nowhere.
    window.complaints.splice(complaints);
  });

  it('left no complaint in the console and asked no other host for anything', () => {
    expect(
      window.complaints.filter((text) => !/status of 422|changeTerm: .* 400|changeModel: .* 409/.test(text)),
    ).toEqual([]);
    expect(window.elsewhere).toEqual([]);
  });
});
