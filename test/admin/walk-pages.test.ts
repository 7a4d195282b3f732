import { beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { SPECS } from '../../src/admin/panel/specs.ts';
import { AiModel } from '../../src/models/ai-model.ts';
import { barriers, picture } from './browser.ts';
import { ALIVE, DEAD, goTo, HOSTILE, HOSTILE_ADDRESSES, seedHostileTexts } from './hostile-texts.ts';
import { type Seeded, seedPanel } from './seed.ts';
import { seedFailedJobs } from './seed-jobs.ts';
import { keepTelling } from './told-health.ts';
import { describeWalk } from './walk.ts';

describeWalk('the pages of the back-office', { roles: ['operator', 'admin'] }, (walk) => {
  let seeded: Seeded;
  beforeAll(async () => {
    seeded = await seedPanel(walk.office);
    await seedFailedJobs(walk.stores);
  });

  it.each(['ru', 'en'] as const)('shows every list and record in %s without a word left over', async (language) => {
    const page = await walk.openAs('admin', language);
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
    await page.goto(`${walk.office.url}/admin`);
    for (const { id } of SPECS) {
      await page.click(`[data-css=sidebar] a[href="/admin/resources/${id}"]`);
      await page.waitForSelector(`[data-css="${id}-table-row"]`);
      await picture(page, `8-${id}-list-${language}`);
      const record = records[id];
      if (record === undefined) continue;
      await page.goto(`${walk.office.url}/admin/resources/${id}/records/${record}/show`);
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

  it.each(['ru', 'en'] as const)(
    'shows the weight of a route, and how it stands in the workers, in %s',
    async (language) => {
      const word = { ru: 'разомкнут: вызовов нет', en: 'open: no calls' }[language];
      const stop = await keepTelling(walk.stores, [
        { routeId: 'main', state: 'open', sinceMs: Date.UTC(2026, 10, 26, 7, 30), calls: 12, failed: 9 },
      ]);
      await AiModel.updateOne({ _id: seeded.modelId }, { $set: { 'routes.0.weight': 40 } });
      const page = await walk.openAs('operator', language);
      await page.goto(`${walk.office.url}/admin/resources/routes`);
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
    const visitor = await walk.window.open('ru');
    const found: string[] = [];
    const examine = async (page: Page, path: string, selector: string) => {
      await page.goto(`${walk.office.url}${path}`);
      await page.waitForSelector(selector);
      found.push(...(await barriers(page)).map((barrier) => `${path} ${barrier}`));
    };
    await examine(visitor, '/sign-in', '[name=password]');
    await examine(visitor, '/invitation', '[name=password]');
    await visitor.context().close();
    const page = await walk.openAs('admin', 'ru');
    await examine(page, '/admin', '[data-figure]');
    await examine(page, '/admin/resources/tickets', '[data-css="tickets-table-row"]');
    await examine(page, '/admin/resources/settings', '.adminjs_PaginationLink');
    await examine(page, `/admin/resources/tickets/records/${seeded.ticketId}/show`, '[data-message=customer]');
    await examine(page, '/admin/resources/tickets/actions/openTicket', '#text');
    await examine(page, `/admin/resources/acts/records/${seeded.papers.actNumber}/keepSigned`, '#content');
    await page.goto(`${walk.office.url}/admin/resources/requests`);
    await page.waitForSelector('[data-css="requests-table-row"]');
    await page.click(':text-is("Фильтр")');
    await page.waitForSelector('[name="filter-model"]');
    found.push(...(await barriers(page)).map((barrier) => `filter ${barrier}`));
    expect(found).toEqual([]);
    await page.context().close();
  });

  it('shows what somebody typed as text, in lists and records and on the overview, and runs none of it', async () => {
    const pages = await seedHostileTexts(walk.office);
    const page = await walk.openAs('admin', 'en');
    await page.goto(`${walk.office.url}/admin`);
    for (const [path, times] of pages) {
      await page.evaluate(goTo(path));
      await page
        .getByText(HOSTILE)
        .nth(times - 1)
        .waitFor();
      expect([path, await page.evaluate(ALIVE)]).toEqual([path, DEAD]);
    }
    await picture(page, '31-hostile-en');
    const complaints = walk.window.complaints.length;
    for (const path of HOSTILE_ADDRESSES) {
      await page.goto(`${walk.office.url}${path}`);
      expect([path, await page.evaluate(ALIVE)]).toEqual([path, DEAD]);
    }
    await page.context().close();
    // Of the addresses that lead nowhere.
    walk.window.complaints.splice(complaints);
  });
});
