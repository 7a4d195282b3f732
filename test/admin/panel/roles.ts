import { describe, expect, it } from '@jest/globals';
import { can } from '../../../src/auth/roles.ts';
import { AuditEntry } from '../../../src/models/audit-entry.ts';
import { STAFF_ROLES } from '../../../src/models/staff.ts';
import { OWNER_EMAIL } from '../seed.ts';
import { FAILURE_TEXT } from '../seed-jobs.ts';
import { COMMANDS } from './commands.ts';
import { everyMember, member, panel } from './desk.ts';
import { RESOURCES } from './resources.ts';

/** What each role sees, may do, and does not get. */
export function testRoles(): void {
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
      const invited = await visitor.command('staff/actions/invite', {
        email: `new-${role}@example.com`,
        role: 'admin',
      });
      expect(invited.status).toBe(can(role, 'staff.change') ? 200 : 403);
      const verified = await visitor.command('audit/actions/verify', {});
      expect(verified.status).toBe(can(role, 'audit.read') ? 200 : 403);
      expect((await visitor.post('/admin/audit.csv', {})).status).toBe(can(role, 'audit.read') ? 200 : 403);
      const { privacyRequestId } = panel().seeded;
      const pack = await visitor.get(`/admin/resources/privacyRequests/records/${privacyRequestId}/files/evidence.zip`);
      expect(pack.status).toBe(can(role, 'privacy.read') ? 200 : 403);
      const denied = await AuditEntry.countDocuments({ actorId: staffId, outcome: 'denied' });
      expect(denied).toBeGreaterThan(0);
    });

    it('sees the owner’s address whole only to write to the owner, and in no list', async () => {
      const { visitor } = member(role);
      const record = await visitor.read(`accounts/records/${panel().seeded.accountId}/show`);
      const expected = can(role, 'contacts.read') ? `${OWNER_EMAIL} (en)` : 'o…@example.org';
      expect(record.body).toMatchObject({ record: { params: { ownerEmail: expected } } });
      expect((await visitor.read('accounts/actions/list')).text).not.toContain('@example.org"');
      const found = await visitor.command('accounts/actions/findAccount', { email: OWNER_EMAIL.toUpperCase() });
      expect(JSON.parse(found.text)).toEqual({ done: true, accountIds: [panel().seeded.accountId] });
    });

    it('is told of an account only what its own lists show, newest first', async () => {
      const { body } = await member(role).visitor.read(`accounts/records/${panel().seeded.accountId}/show`);
      const { timeline } = (body.record as { params: { timeline: string } }).params;
      const { ru, en } = JSON.parse(timeline) as { ru: string; en: string };
      const told = {
        'account made': true,
        'suspension asked for': true,
        'key made': can(role, 'keys.read'),
        'adjustment proposed': can(role, 'money.read'),
        'ticket opened': can(role, 'tickets.read'),
        'data subject’s request: erasure of the account': can(role, 'privacy-requests.read'),
        'requests of the day: ': can(role, 'requests.read'),
      };
      expect(Object.fromEntries(Object.keys(told).map((words) => [words, en.includes(words)]))).toEqual(told);
      expect(ru).not.toMatch(/ {2}[a-z]+ [a-z]+/);
      const moments = en.split('\n').map((line) => line.slice(0, 24));
      expect(moments).toEqual([...moments].sort().reverse());
    });

    it('gets no hash, secret, ciphertext or content in any answer', async () => {
      const { visitor, secret } = member(role);
      const texts = [(await visitor.get('/admin')).text, (await visitor.get('/admin/api/dashboard')).text];
      for (const [id, , record] of RESOURCES) {
        texts.push((await visitor.read(`${id}/actions/list`)).text);
        texts.push((await visitor.read(`${id}/actions/search/${encodeURIComponent(String(record()))}`)).text);
        texts.push((await visitor.read(`${id}/records/${record()}/show`)).text);
      }
      const all = texts.join('\n');
      const tokens = everyMember().flatMap((one) => [one.secret, ...one.recoveryCodes, one.visitor.cookie.slice(-43)]);
      for (const hidden of [...panel().seeded.secrets, FAILURE_TEXT, ...tokens, secret])
        expect(all).not.toContain(hidden);
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

  const GENERIC = ['new', 'edit', 'delete', 'bulkDelete', 'constructor', '__proto__'];

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
}
