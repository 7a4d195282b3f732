import { beforeAll, expect, it } from '@jest/globals';
import { SPECS } from '../../src/admin/panel/specs.ts';
import { can } from '../../src/auth/roles.ts';
import { inviteStaff } from '../../src/auth/staff.ts';
import { STAFF_ROLES, type StaffRole } from '../../src/models/staff.ts';
import { codeOf, PASSWORD } from '../auth/staff-desk.ts';
import { type Language, picture } from './browser.ts';
import { seedPanel } from './seed.ts';
import { describeWalk } from './walk.ts';

const ROLE_LANGUAGES: Readonly<Record<StaffRole, Language>> = {
  support: 'ru',
  operator: 'en',
  finance: 'ru',
  admin: 'en',
  auditor: 'ru',
};
const SIDEBAR = '[data-css=sidebar] a[href^="/admin/resources/"]';

describeWalk(
  'the way into the back-office, and what a role finds there',
  { roles: STAFF_ROLES, expectedComplaints: /status of 422/ },
  (walk) => {
    beforeAll(() => seedPanel(walk.office));

    it.each(['ru', 'en'] as const)('lets a new member in from the invitation to the panel in %s', async (language) => {
      const email = `walk-${language}@example.com`;
      const { token } = await inviteStaff(email, 'admin');
      const page = await walk.window.open(language);
      await page.goto(`${walk.office.url}/invitation#${token}`);
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

      await page.goto(`${walk.office.url}/sign-out`);
      await page.click('main button >> nth=0');
      await page.waitForSelector('a[href="/sign-in"]');
      await page.goto(`${walk.office.url}/sign-in`);
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
      const page = await walk.openAs(role, language);
      await page.goto(`${walk.office.url}/admin`);
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
      if (forbidden)
        expect((await page.request.get(`${walk.office.url}/admin/resources/${forbidden.id}`)).status()).toBe(403);
      await page.context().close();
    });
  },
);
