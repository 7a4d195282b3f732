import { describe, expect, it } from '@jest/globals';
import { toAddress } from '../../../src/admin/panel/record-id.ts';
import { Account } from '../../../src/models/account.ts';
import { ApiKey } from '../../../src/models/api-key.ts';
import { AuditEntry } from '../../../src/models/audit-entry.ts';
import { Delivery } from '../../../src/models/delivery.ts';
import { Request } from '../../../src/models/request.ts';
import { Staff } from '../../../src/models/staff.ts';
import { FAILED_JOB } from '../seed-jobs.ts';
import { member, panel, reason } from './desk.ts';

/** What a command does, and what is no command. */
export function testCommands(): void {
  describe('a command', () => {
    it('is carried out, shown and written down', async () => {
      const { visitor, staffId } = member('finance');
      const path = `accounts/records/${panel().seeded.accountId}`;
      expect((await visitor.command(`${path}/suspend`, { reason })).status).toBe(200);
      const shown = await visitor.read(`${path}/show`);
      expect(shown.body).toMatchObject({ record: { params: { status: 'suspended', statusReason: reason } } });
      const actions = (shown.body.record as { recordActions: { name: string }[] }).recordActions.map(
        ({ name }) => name,
      );
      expect(actions).toContain('activate');
      expect(actions).not.toContain('suspend');
      expect((await visitor.command(`${path}/suspend`, { reason })).status).toBe(409);
      expect((await visitor.command(`${path}/activate`, { reason })).status).toBe(200);
      const entries = await AuditEntry.find({ actorId: staffId, targetId: panel().seeded.accountId })
        .sort({ _id: 1 })
        .lean();
      expect(entries.map(({ outcome }) => outcome)).toEqual(['begun', 'done', 'begun', 'failed', 'begun', 'done']);
    });

    it('of each kind does what it says', async () => {
      const { visitor } = member('operator');
      const answers = await Promise.all([
        visitor.command(`keys/records/${panel().seeded.keyId}/revoke`, { reason }),
        visitor.command(`requests/records/${panel().seeded.openRequestId}/cancel`, { reason }),
        visitor.command(`deliveries/records/${panel().seeded.deliveryId}/redeliver`, { reason }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(JSON.parse(answers[0].text)).toMatchObject({ told: true });
      expect((await ApiKey.findById(panel().seeded.keyId).lean())?.revokedAt).toBeInstanceOf(Date);
      expect((await Request.findById(panel().seeded.openRequestId).lean())?.state).toBe('cancelled');
      expect((await Delivery.findById(panel().seeded.deliveryId).lean())?.state).toBe('pending');
    });

    it('about the weight of a route is carried out and shown', async () => {
      const { visitor } = member('operator');
      const { modelId } = panel().seeded;
      const path = `models/records/${toAddress(modelId)}/weigh`;
      expect((await visitor.command(path, { reason, route: 'main', weight: '40' })).status).toBe(200);
      const { body } = await visitor.read(`routes/records/${toAddress(`${modelId} main`)}/show`);
      expect(body).toMatchObject({ record: { params: { route: 'main', weight: '40', providerId: 'sandbox' } } });
    });

    it('about a route opens with what the route has, and is carried out with that version only', async () => {
      const { visitor } = member('operator');
      const path = `routes/records/${toAddress(`${panel().seeded.modelId} main`)}`;
      const opened = await visitor.read(`${path}/rewriteRoute`);
      const { params } = opened.body.record as { params: Record<string, string> };
      expect(params).toMatchObject({ providerId: 'sandbox', routePlace: '0', routeOn: 'yes' });
      const { version = '', providerId = '', upstreamModel = '', routePlace = '', weight = '' } = params;
      const input = { reason, version, providerId, upstreamModel, routePlace, weight, enabled: 'yes' };
      const statuses = [];
      for (const place of ['7', '8'])
        statuses.push((await visitor.command(`${path}/rewriteRoute`, { ...input, routePlace: place })).status);
      expect(statuses).toEqual([200, 409]);
      expect((await visitor.read(`${path}/show`)).body).toMatchObject({ record: { params: { routePlace: '7' } } });
    });

    it('about failed jobs shows them without what was thrown, and lets one wait again', async () => {
      const { visitor } = member('operator');
      const { text, body } = await visitor.read('failedJobs/actions/list?filters.queue=maintenance');
      expect(body.records).toMatchObject([
        { params: { jobId: FAILED_JOB.jobId, tries: '1', failedReason: 'TypeError' } },
      ]);
      expect(text).not.toContain('canary');
      expect((await visitor.read('failedJobs/actions/list?filters.queue=webhooks')).body.records).toEqual([]);
      const path = `failedJobs/records/${toAddress(`maintenance/${FAILED_JOB.jobId}`)}/retryJob`;
      expect((await visitor.command(path, { reason })).status).toBe(200);
      expect((await visitor.command(path, { reason })).status).toBe(409);
      const { body: queue } = await visitor.read('queues/records/maintenance/show');
      expect(queue).toMatchObject({ record: { params: { waiting: '1', failed: '0' } } });
    });

    it('invites with a link that is shown once and is nowhere else', async () => {
      const { visitor } = member('admin');
      const answer = await visitor.command('staff/actions/invite', { email: 'invited@example.com', role: 'support' });
      const { link } = JSON.parse(answer.text) as { link: string };
      expect(link).toMatch(new RegExp(`^${panel().office.url}/invitation#[\\w-]{43}$`));
      const token = link.slice(-43);
      expect(JSON.stringify(await AuditEntry.find({}).sort({ _id: 1 }).lean())).not.toContain(token);
      expect(JSON.stringify(await Staff.find({}).lean())).not.toContain(token);
      expect(
        (await visitor.command('staff/actions/invite', { email: 'invited@example.com', role: 'support' })).status,
      ).toBe(409);
    });

    it('is not given with GET', async () => {
      const { visitor } = member('admin');
      const before = await Account.findById(panel().seeded.accountId).lean();
      const { status } = await visitor.read(`accounts/records/${panel().seeded.accountId}/suspend?reason=${reason}`);
      expect(status).toBe(200);
      expect(await Account.findById(panel().seeded.accountId).lean()).toEqual(before);
      expect((await visitor.get('/admin/audit.csv')).status).toBe(404);
    });

    it('is not for oneself where it must not be', async () => {
      const { visitor, staffId } = member('admin');
      for (const action of ['disable', 'reset', 'changeRole']) {
        const input = action === 'changeRole' ? { reason, role: 'support' } : { reason };
        expect((await visitor.command(`staff/records/${staffId}/${action}`, input)).status).toBe(403);
      }
    });

    const path = () => `accounts/records/${panel().seeded.accountId}/suspend`;
    it.each([
      ['unknown fields', { reason, availableMicros: '1' }],
      ['a status of its own', { reason, status: 'active' }],
      ['no reason', {}],
      ['an operator instead of a reason', { reason: { $gt: '' } }],
      ['a list', [reason]],
    ])('with %s is refused', async (_, input) => {
      expect((await member('admin').visitor.command(path(), input)).status).toBe(400);
      expect((await Account.findById(panel().seeded.accountId).lean())?.status).toBe('active');
    });

    it.each([
      ['another site', { 'sec-fetch-site': 'cross-site' }],
      ['a sibling host', { 'sec-fetch-site': 'same-site' }],
      ['no token', { 'x-form-token': '' }],
      ['a wrong token', { 'x-form-token': 'A'.repeat(43) }],
    ])('from %s is refused', async (_, headers) => {
      expect((await member('admin').visitor.command(path(), { reason }, headers)).status).toBe(403);
      expect((await Account.findById(panel().seeded.accountId).lean())?.status).toBe('active');
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
}
