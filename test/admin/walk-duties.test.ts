import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from '@jest/globals';
import { toAddress } from '../../src/admin/panel/record-id.ts';
import { Account } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { ContentGrant } from '../../src/models/content-grant.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import { signaturesOf } from '../../src/privacy/act-signatures.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { retentionValue } from '../../src/privacy/retention-settings.ts';
import { rowClass } from '../../src/privacy/row-classes.ts';
import type { SignedIn } from './back-office.ts';
import { picture } from './browser.ts';
import { type Seeded, seedPanel } from './seed.ts';
import { FAILED_JOB, seedFailedJobs } from './seed-jobs.ts';
import { choose, describeWalk, submit } from './walk.ts';

describeWalk(
  'the duties of the back-office',
  { roles: ['support', 'operator', 'admin'], expectedComplaints: /changeTerm: .* 400/ },
  (walk) => {
    let seeded: Seeded;
    beforeAll(async () => {
      seeded = await seedPanel(walk.office);
    });

    it('suspends an account with a reason, invites a member, checks the log', async () => {
      const page = await walk.openAs('admin', 'ru');
      await page.goto(`${walk.office.url}/admin/resources/accounts/records/${seeded.accountId}/suspend`);
      await page.fill('#reason', 'Жалоба на спам, разбираемся');
      await picture(page, '10-suspend-ru');
      await submit(page, 'suspend');
      await picture(page, '10-suspended-ru');
      expect((await Account.findById(seeded.accountId).lean())?.status).toBe('suspended');

      await page.goto(`${walk.office.url}/admin/resources/staff/actions/invite`);
      await page.fill('#email', 'picture@example.com');
      expect(await page.textContent('[data-command=invite] [class*=control]')).toContain('Выберите');
      await choose(page, 'invite');
      await page.click('[data-command=invite] button[type=submit]');
      await page.waitForSelector('[data-link=invitation]');
      await picture(page, '11-invited-ru');

      await page.goto(`${walk.office.url}/admin/resources/audit/actions/verify`);
      await page.click('[data-tool=verify] button');
      await page.waitForSelector('[data-verdict=good]');
      await picture(page, '12-audit-ru');
      await page.goto(`${walk.office.url}/admin/resources/requests`);
      await page.waitForSelector('tbody tr');
      await page.click(':text-is("Фильтр")');
      await page.waitForSelector('[name="filter-model"]');
      await page.locator('[name="filter-model"]').fill('ocelotiq/sandbox');
      await picture(page, '13-filter-ru');
      await page.context().close();
    });

    it.each([
      ['operator', 'ru'],
      ['admin', 'en'],
    ] as const)('lets %s try a failed job again in %s', async (role, language) => {
      await seedFailedJobs(walk.stores, [FAILED_JOB, { ...FAILED_JOB, jobId: 'purge-content-2026-11-24' }]);
      const page = await walk.openAs(role, language);
      await page.goto(`${walk.office.url}/admin/resources/queues/records/maintenance/show`);
      await page.waitForSelector('[data-related=failedJobs] tbody tr');
      await picture(page, `23-queue-${language}`);
      await page.click('[data-related=failedJobs] tbody a');
      await page.waitForSelector('[data-record]');
      await picture(page, `24-failed-job-${language}`);
      const job = toAddress(`maintenance/${FAILED_JOB.jobId}`);
      await page.goto(`${walk.office.url}/admin/resources/failedJobs/records/${job}/retryJob`);
      await page.fill('#reason', 'The disk was full');
      await picture(page, `25-retry-${language}`);
      await submit(page, 'retryJob');
      await page.goto(`${walk.office.url}/admin/resources/queues/records/maintenance/drainFailed`);
      await page.fill('#reason', 'Another night has purged it');
      await page.click('[data-command=drainFailed] button[type=submit]');
      await page.waitForSelector('[data-taken="1"][data-left="0"]');
      await picture(page, `26-drained-${language}`);
      await page.context().close();
    });

    it.each([
      ['support', 'ru'],
      ['admin', 'en'],
    ] as const)('shows content to %s by breaking glass, as text and nowhere else, in %s', async (role, language) => {
      const prompt = '<img src=x onerror="document.body.remove()"> canary-prompt';
      const { seal } = createContentCipher(new Map([[1, walk.office.masterKey]]));
      const input = await seal(seeded.accountId, `requests|${seeded.requestId}|input`, Buffer.from(prompt));
      await nativeCollection<RequestDocument>(Request).updateOne(
        { _id: seeded.requestId },
        { $set: { input }, $unset: { result: '' } },
      );
      const page = await walk.openAs(role, language);
      await page.goto(`${walk.office.url}/admin/resources/tickets/records/${seeded.ticketId}/openContent`);
      await choose(page, 'openContent');
      await page.fill('#reason', 'The owner asks why the answer broke off');
      await submit(page, 'openContent');
      const { staffId } = walk.members.get(role) as SignedIn;
      const grantId = (await ContentGrant.findOne({ staffId }).lean())?._id ?? '';
      await page.goto(`${walk.office.url}/admin/resources/contentGrants/records/${grantId}/readContent`);
      await page.click('[data-command=readContent] button[type=submit]');
      await page.waitForSelector('[data-content=contentInput]');
      expect(await page.textContent('[data-content=contentInput]')).toBe(prompt);
      expect(await page.locator('img[src=x]').count()).toBe(0);
      await picture(page, `22-content-${language}`);
      for (const at of [`requests/records/${seeded.requestId}`, `contentGrants/records/${grantId}`])
        expect(
          await (await page.request.get(`${walk.office.url}/admin/api/resources/${at}/show`)).text(),
        ).not.toContain('canary');
      await page.goto(`${walk.office.url}/admin/resources/tickets/records/${seeded.ticketId}/show`);
      await page.waitForSelector('[data-message=system]');
      await page.context().close();
    });

    it('shortens a term of keeping once it was seen what goes', async () => {
      const page = await walk.openAs('admin', 'ru');
      await page.goto(`${walk.office.url}/admin/resources/retention/records/delivery/changeTerm`);
      await page.fill('#value', '45');
      await page.fill('#reason', 'Сверка доставок занимает месяц');
      await page.click('[data-command=changeTerm] button[type=submit]');
      await page.waitForSelector('[data-rows="0"]');
      await picture(page, '23-shorter-term-ru');
      await submit(page, 'changeTerm');
      expect(await retentionValue(rowClass('delivery'), {})).toBe(45);
      await page.context().close();
    });

    it.each(['ru', 'en'] as const)('hands out an act and keeps its signed copy in %s', async (language) => {
      const page = await walk.openAs('admin', language);
      const act = `${walk.office.url}/admin/resources/acts/records/${seeded.papers.actNumber}`;
      await page.goto(`${act}/show`);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-file="act.pdf"]')]);
      expect(download.suggestedFilename()).toBe(`act-${seeded.papers.actNumber}.pdf`);
      const pdf = readFileSync(await download.path());
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
      await page.goto(`${act}/keepSigned`);
      await choose(page, 'keepSigned');
      const buffer = Buffer.concat([pdf, Buffer.from(`\n% signed, ${language}`)]);
      await page.setInputFiles('#content', { name: 'any-name.exe', mimeType: 'application/x-none', buffer });
      await picture(page, `24-signed-copy-${language}`);
      await submit(page, 'keepSigned');
      expect((await signaturesOf(seeded.papers.actNumber)).at(-1)).toMatchObject({
        bytes: buffer.length,
        kind: 'scan',
      });
      await page.goto(`${act}/show`);
      await page.waitForSelector('[data-related=actSignatures] tbody tr:nth-of-type(2)');
      await picture(page, `25-act-${language}`);
      await page.context().close();
    });
  },
);
