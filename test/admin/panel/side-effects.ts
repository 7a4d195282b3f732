import { existsSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { expect, test } from '@jest/globals';
import { Account } from '../../../src/models/account.ts';
import { ApiKey } from '../../../src/models/api-key.ts';
import { AuditEntry } from '../../../src/models/audit-entry.ts';
import { Request } from '../../../src/models/request.ts';
import { Staff } from '../../../src/models/staff.ts';
import { member, panel, uploads } from './desk.ts';
import { RESOURCES } from './resources.ts';

/** What a request must leave as it is: the disk, the rows, and the log. */
export function testSideEffects(): void {
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
      const sent = request(`${panel().office.url}/admin/api/${path}`, { method, headers }, (response) => {
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
    expect(await sendUpload('POST', `resources/accounts/records/${panel().seeded.accountId}/suspend`)).toBe(415);
    expect(readdirSync(uploads)).toEqual([]);
    // Where AdminJS writes its bundle of components.
    expect(existsSync('.adminjs')).toBe(false);
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

  test('an account shows what its money is held for, on its own page and to those who may see money', async () => {
    const { accountId, openRequestId } = panel().seeded;
    const until = new Date('2026-11-26T10:00:00Z');
    const hold = { amountMicros: 5_250_000n, expiresAt: until, keyId: 'key', day: 'd', month: 'm' };
    await Account.updateOne({ _id: accountId }, { $set: { [`holds.${openRequestId}`]: hold } });
    const shown = async (role: 'finance' | 'operator') =>
      (await member(role).visitor.read(`accounts/records/${accountId}/show`)).body;
    const line = `${openRequestId}  5.25 ₽  → 2026-11-26T10:00:00.000Z`;
    expect(await shown('finance')).toMatchObject({ record: { params: { heldFor: line } } });
    expect(JSON.stringify(await shown('operator'))).not.toContain('heldFor');
    expect((await member('finance').visitor.read('accounts/actions/list')).text).not.toContain(openRequestId);
    await Account.updateOne({ _id: accountId }, { $unset: { [`holds.${openRequestId}`]: '' } });
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
}
