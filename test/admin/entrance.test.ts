import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { inviteStaff } from '../../src/auth/staff.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { Staff, StaffSession, StaffThrottle } from '../../src/models/staff.ts';
import { PASSWORD } from '../auth/staff-desk.ts';
import { useStores } from '../helpers/stores.ts';
import { type BackOffice, enterPassword, freshCode, signIn, startBackOffice, Visitor } from './back-office.ts';

const stores = useStores();
let office: BackOffice;

beforeAll(async () => {
  office = await startBackOffice(stores);
});
afterAll(async () => {
  expect(await office.stop()).toBe(0);
});

describe('who is not signed in', () => {
  it.each(['/admin', '/admin/resources/accounts', '/admin/assets/x/panel.js', '/admin/resources/nothing'])(
    'is sent from %s to the sign-in',
    async (path) => {
      const { status, headers } = await new Visitor(office.url).get(path);
      expect([status, headers.get('location')]).toEqual([303, '/sign-in']);
    },
  );

  it('gets no answer from the panel, and no body is read', async () => {
    const visitor = new Visitor(office.url);
    expect((await visitor.get('/admin/api/resources/accounts/actions/list')).status).toBe(401);
    const upload = await visitor.send('/admin/api/resources/staff/actions/invite', {
      method: 'POST',
      body: 'x'.repeat(30_000),
      headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(upload.status).toBe(401);
  });

  it('is answered before the end of a body, however long it goes on', async () => {
    const { port } = new URL(office.url);
    for (const path of ['/admin/api/resources/accounts/actions/list', '/sign-in']) {
      const socket = connect(Number(port), '127.0.0.1');
      const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nsec-fetch-site: same-origin\r\n`;
      socket.write(`${head}content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n\r\n`);
      // The first piece of a body that never ends.
      socket.write(`1000\r\n${'x'.repeat(4_096)}\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 (401|415) /);
    }
  });

  it('sees that the process lives and works', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await fetch(`${office.url}${path}`)).status).toBe(200);
    expect((await fetch(`${office.url}/nothing`)).status).toBe(404);
  });
});

test('pages have a strict policy, no caching, and a cookie that scripts and other sites do not get', async () => {
  const { headers, text } = await new Visitor(office.url).get('/sign-in');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'nonce-[\w-]{24}';/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline/);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.getSetCookie()[0]).toMatch(/^ocelotiq_staff=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(text).not.toContain('<script');
});

test.each([
  ['ru-RU,ru;q=0.9', '/sign-in', 'lang="ru"', 'Пароль'],
  ['en-GB,en;q=0.9', '/sign-in', 'lang="en"', 'Password'],
  ['de', '/sign-in', 'lang="en"', 'Password'],
  ['en', '/sign-in?lang=ru', 'lang="ru"', 'Пароль'],
])('with %s, %s is in %s', async (accepted, path, lang, word) => {
  const { text } = await new Visitor(office.url).send(path, { headers: { 'accept-language': accepted } });
  expect(text).toContain(`<html ${lang}>`);
  expect(text).toContain(word);
});

test('a member comes in with password and code; each step has a new cookie and the old one opens nothing', async () => {
  const { email, secret } = await signIn(office.url, 'support');
  const visitor = new Visitor(office.url);
  await visitor.get('/sign-in');
  const planted = visitor.cookie;
  const first = await visitor.post('/sign-in', { email, password: PASSWORD });
  expect([first.status, first.headers.get('location')]).toEqual([303, '/code?lang=en']);
  const halfway = visitor.cookie;
  expect(halfway).not.toBe(planted);
  expect((await visitor.get('/admin')).headers.get('location')).toBe('/sign-in');
  await visitor.get('/code');
  const code = await freshCode(secret);
  expect((await visitor.post('/code', { code })).headers.get('location')).toBe('/admin?lng=en');
  expect(visitor.cookie).not.toBe(halfway);
  expect((await visitor.get('/admin')).status).toBe(200);
  for (const old of [planted, halfway]) {
    const { status } = await visitor.send('/admin', { headers: { cookie: old } });
    expect(status).toBe(303);
  }
  const replay = await enterPassword(office.url, email);
  expect((await replay.post('/code', { code })).status).toBe(422);
});

test('where a member goes after the sign-in is taken from no address and no field', async () => {
  const { email, secret } = await signIn(office.url, 'support');
  const visitor = new Visitor(office.url);
  const elsewhere = '?redirectTo=https://evil.example&next=//evil.example';
  await visitor.get(`/sign-in${elsewhere}`);
  const first = await visitor.post(`/sign-in${elsewhere}`, { email, password: PASSWORD });
  expect(first.headers.get('location')).toBe('/code?lang=en');
  await visitor.get('/code');
  const second = await visitor.post(`/code${elsewhere}`, { code: await freshCode(secret) });
  expect(second.headers.get('location')).toBe('/admin?lng=en');
});

test('a cookie planted before the sign-in never becomes a session, nor does one of two', async () => {
  const { email, visitor } = await signIn(office.url, 'support');
  const planted = `ocelotiq_staff=${'p'.repeat(43)}`;
  const victim = new Visitor(office.url);
  victim.cookie = planted;
  await victim.get('/sign-in');
  await victim.post('/sign-in', { email, password: PASSWORD });
  expect(victim.cookie).not.toBe(planted);
  const before = await StaffSession.countDocuments({});
  expect((await victim.send('/code', { headers: { cookie: planted } })).headers.get('location')).toBe('/sign-in');
  expect(await StaffSession.countDocuments({})).toBe(before);
  const two = await victim.send('/admin', { headers: { cookie: `${planted}; ${visitor.cookie}` } });
  expect(two.status).toBe(303);
});

test('signing out ends the session, everywhere ends all, and a GET ends none', async () => {
  const { email, secret, visitor } = await signIn(office.url, 'operator');
  const other = await enterPassword(office.url, email);
  await other.post('/code', { code: await freshCode(secret) });
  for (const path of ['/sign-out', '/sign-out?everywhere=yes']) await other.get(path);
  expect((await other.get('/admin')).status).toBe(200);
  expect((await visitor.get('/admin')).status).toBe(200);
  await other.get('/sign-out');
  await other.post('/sign-out', { everywhere: 'yes' });
  for (const one of [visitor, other]) expect((await one.get('/admin')).status).toBe(303);
  expect(await AuditEntry.countDocuments({ action: 'sign-out.everywhere' })).toBe(1);
});

test('a role that is taken away is gone with the next request, as is the access of a disabled member', async () => {
  const { staffId, visitor } = await signIn(office.url, 'auditor');
  expect((await visitor.read('audit/actions/list')).status).toBe(200);
  await Staff.updateOne({ _id: staffId }, { $set: { role: 'support' } });
  expect((await visitor.read('audit/actions/list')).status).toBe(403);
  await Staff.updateOne({ _id: staffId }, { $set: { status: 'disabled' } });
  expect((await visitor.get('/admin')).status).toBe(303);
});

describe('a form that does not come from our page', () => {
  const given = { email: 'nobody@example.com', password: PASSWORD };
  const attacks: [string, Record<string, string>][] = [
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ['from a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['typed into the address bar', { 'sec-fetch-site': 'none' }],
  ];
  it.each(attacks)('%s is refused', async (_, headers) => {
    const visitor = new Visitor(office.url);
    await visitor.get('/sign-in');
    expect((await visitor.post('/sign-in', given, headers)).status).toBe(403);
  });

  it('is refused by its origin where the browser says no more, and passes with ours', async () => {
    const visitor = new Visitor(office.url);
    await visitor.get('/sign-in');
    const body = () => new URLSearchParams({ formToken: visitor.formToken, ...given });
    const send = (headers: Record<string, string>) =>
      visitor.send('/sign-in', { method: 'POST', body: body(), headers });
    // fetch itself says `sec-fetch-mode` only; a browser without Sec-Fetch-Site sends Origin.
    expect((await send({})).status).toBe(403);
    for (const origin of ['https://evil.example', 'null', `${office.url}.evil.example`])
      expect((await send({ origin })).status).toBe(403);
    expect((await send({ origin: office.url })).status).toBe(422);
  });

  it.each(['', 'x', 'A'.repeat(43)])('is refused with the token %j', async (formToken) => {
    const visitor = new Visitor(office.url);
    await visitor.get('/sign-in');
    expect((await visitor.post('/sign-in', { ...given, formToken })).status).toBe(403);
  });

  it("is refused with another visitor's token", async () => {
    const [one, other] = [new Visitor(office.url), new Visitor(office.url)];
    await Promise.all([one.get('/sign-in'), other.get('/sign-in')]);
    expect((await one.post('/sign-in', { ...given, formToken: other.formToken })).status).toBe(403);
  });

  it('is refused as an upload, when it is large, or has many fields', async () => {
    const visitor = new Visitor(office.url);
    await visitor.get('/sign-in');
    const upload = new FormData();
    upload.set('formToken', visitor.formToken);
    upload.set('file', new Blob(['x'.repeat(30_000)]), 'x.bin');
    const headers = { 'sec-fetch-site': 'same-origin' };
    expect((await visitor.send('/sign-in', { method: 'POST', body: upload, headers })).status).toBe(415);
    expect((await visitor.post('/sign-in', { ...given, password: 'x'.repeat(10_000) })).status).toBe(413);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, '1']));
    expect((await visitor.post('/sign-in', { ...given, ...many })).status).toBe(413);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('is refused as %s', async (method) => {
    const { status } = await new Visitor(office.url).send('/sign-in', { method });
    expect(status).toBe(405);
  });
});

test('an address is what the connection says, not what a header claims', async () => {
  const visitor = new Visitor(office.url);
  await visitor.get('/sign-in');
  const email = 'from-elsewhere@example.com';
  await visitor.post('/sign-in', { email, password: 'wrong password 1' }, { 'x-forwarded-for': '198.51.100.7' });
  const addresses = (await AuditEntry.find({ action: 'sign-in.password' }).sort({ _id: 1 }).lean()).map(
    ({ address }) => address,
  );
  expect(addresses.length).toBeGreaterThan(0);
  expect(addresses).not.toContain('198.51.100.7');
});

test('guessing is slowed down and written down; the page says for how long', async () => {
  const { email } = await signIn(office.url, 'finance');
  // What the tests before this one tried from the same address is not held against this one.
  await StaffThrottle.deleteMany({});
  const visitor = new Visitor(office.url);
  await visitor.get('/sign-in');
  const tries: number[] = [];
  for (let i = 0; i < 7; i++)
    tries.push((await visitor.post('/sign-in', { email, password: `wrong password ${i}` })).status);
  expect(tries).toEqual([422, 422, 422, 422, 422, 429, 429]);
  const refused = await visitor.post('/sign-in', { email, password: PASSWORD });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.text).toMatch(/Wait \d+ s/);
  expect(await AuditEntry.countDocuments({ action: 'sign-in.password', outcome: 'failed' })).toBeGreaterThanOrEqual(5);
  expect(JSON.stringify(await AuditEntry.find({}).sort({ _id: 1 }).lean())).not.toContain('wrong password');
});

test('a browser in which a member has signed in is known, and lets the member in while others guess', async () => {
  const { email, secret } = await signIn(office.url, 'support');
  await StaffThrottle.deleteMany({});
  const visitor = await enterPassword(office.url, email);
  const body = new URLSearchParams({ formToken: visitor.formToken, code: await freshCode(secret) });
  const done = await visitor.send('/code', { method: 'POST', body, headers: { 'sec-fetch-site': 'same-origin' } });
  const [session, device = ''] = done.headers.getSetCookie();
  expect(session).toMatch(/^ocelotiq_staff=/);
  expect(device).toMatch(/^ocelotiq_device=[\w.-]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Strict$/);
  const guesser = new Visitor(office.url);
  await guesser.get('/sign-in');
  for (let i = 0; i < 6; i++) await guesser.post('/sign-in', { email, password: `wrong password ${i}` });
  expect((await guesser.post('/sign-in', { email, password: PASSWORD })).status).toBe(429);
  const back = new Visitor(office.url);
  await back.get('/sign-in');
  const cookie = `${back.cookie}; ${device.split(';', 1)[0]}`;
  expect((await back.post('/sign-in', { email, password: PASSWORD }, { cookie })).status).toBe(303);
  // It is no session, and opens nothing by itself.
  expect((await back.send('/admin', { headers: { cookie: device.split(';', 1)[0] ?? '' } })).status).toBe(303);
});

test('an invitation is not in any address that is sent, and cannot be used twice', async () => {
  const { token } = await inviteStaff('twice@example.com', 'support');
  const one = new Visitor(office.url);
  const page = await one.get('/invitation');
  expect(page.text).toContain('location.hash');
  const different = await one.post('/invitation', { token, password: PASSWORD, repeated: `${PASSWORD}!` });
  expect(different.status).toBe(422);
  expect((await one.post('/invitation', { token, password: PASSWORD, repeated: PASSWORD })).status).toBe(303);
  const two = new Visitor(office.url);
  await two.get('/invitation');
  expect((await two.post('/invitation', { token, password: PASSWORD, repeated: PASSWORD })).status).toBe(422);
});

test('the log of the process names nobody and holds no secret', () => {
  const said = office.process.output();
  expect(said).not.toContain('@example.com');
  expect(said).not.toContain(PASSWORD);
});
