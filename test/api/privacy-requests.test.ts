import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Account } from '../../src/models/account.ts';
import { PrivacyRequest } from '../../src/models/privacy-request.ts';
import { buildArchive } from '../../src/privacy/archives.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { readTexts } from '../../src/privacy/intake.ts';
import {
  approveErasure,
  COOLING_OFF_MS,
  findPrivacyRequest,
  planErasure,
  submitErasure,
} from '../../src/privacy/privacy-requests.ts';
import { eventually } from '../helpers/eventually.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { unzip } from '../helpers/zip-file.ts';

/** What an account's owner asks about its data, over HTTP. No workers: nothing is destroyed here. */
const stores = useStores();
const PATH = '/v1/account/privacy-requests';
const masterKey = randomBytes(32);
let system: System;

beforeAll(async () => {
  system = await startSystem(stores, { workers: 0, masterKey });
});
afterAll(() => system.stop());

/** A customer with a key that may speak for the owner. */
const owner = (options: { rub?: number } = {}) =>
  system.customer({ ...options, key: { scopes: { endpoints: ['account', 'privacy'] } } });

type Shown = {
  id: string;
  type: string;
  status: string;
  due_at: number;
  executes_at: number | null;
  cancellable: boolean;
  archive: { status: string; sha256: string | null } | null;
  url?: string;
};
type Answer = { status: number; body: Shown & { error?: { code: string; privacy_request?: string }; data?: Shown[] } };

async function ask(customer: Customer, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await customer.fetch(path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

const file = (customer: Customer, body: object) => ask(customer, 'POST', PATH, body);
const statusOf = async ({ accountId }: Customer) => (await Account.findById(accountId).lean())?.status;

test('an erasure blocks at once, is taken back while it cools off, and then the account works again', async () => {
  const customer = await owner({ rub: 0 });
  const filed = await file(customer, { type: 'erase_account', contact: 'somebody@example.com' });
  expect(filed).toMatchObject({
    status: 201,
    body: { type: 'erase_account', status: 'in_progress', cancellable: true },
  });
  expect(await statusOf(customer)).toBe('suspended');
  const { id } = filed.body;
  const { manifest } = await planErasure(id, 'anna');
  await submitErasure(id, 'anna');
  await approveErasure(id, manifest?.hash ?? '', 'boris');
  const scheduled = await ask(customer, 'GET', `${PATH}/${id}`);
  expect(scheduled.body).toMatchObject({ status: 'scheduled', cancellable: true });
  expect((scheduled.body.executes_at ?? 0) * 1_000).toBeGreaterThan(Date.now() + COOLING_OFF_MS / 2);
  for (let time = 0; time < 2; time++)
    expect(await ask(customer, 'POST', `${PATH}/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'cancelled' },
    });
  expect(await statusOf(customer)).toBe('active');
});

test('a suspended account files, reads and lists, and stays blocked while one of two requests is open', async () => {
  const customer = await owner();
  await Account.updateOne({ _id: customer.accountId }, { status: 'suspended', statusReason: 'by staff' });
  const { body } = await file(customer, { type: 'access' });
  expect((await ask(customer, 'GET', PATH)).body.data?.map(({ id }) => id)).toEqual([body.id]);
  await Account.updateOne({ _id: customer.accountId }, { status: 'active' });
  const erasure = await file(customer, { type: 'erase_account' });
  const stop = await file(customer, { type: 'stop_processing' });
  await ask(customer, 'POST', `${PATH}/${erasure.body.id}/cancel`);
  expect(await statusOf(customer)).toBe('suspended');
  await ask(customer, 'POST', `${PATH}/${stop.body.id}/cancel`);
  expect(await statusOf(customer)).toBe('active');
});

test('filed again, even at once, it is one request; another text for it is a conflict that names it', async () => {
  const customer = await owner();
  const filing = { type: 'rectify', details: 'Имя написано с ошибкой' };
  const answers = await Promise.all(Array.from({ length: 5 }, () => file(customer, filing)));
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 200, 200, 201]);
  const [id] = new Set(answers.map(({ body }) => body.id));
  expect(await PrivacyRequest.countDocuments({ accountId: customer.accountId })).toBe(1);
  expect(await file(customer, { ...filing, details: 'иначе' })).toMatchObject({
    status: 409,
    body: { error: { code: 'state_conflict', privacy_request: id } },
  });
});

test('what was written is sealed, and what staff do is not shown', async () => {
  const customer = await owner();
  const { body } = await file(customer, { type: 'access', details: 'all of it', contact: 'somebody@example.com' });
  const row = await PrivacyRequest.findById(body.id).lean();
  const texts = await readTexts(await findPrivacyRequest(body.id), createContentCipher(new Map([[1, masterKey]])));
  expect(texts).toEqual({ details: 'all of it', contact: 'somebody@example.com' });
  expect(JSON.stringify(row)).not.toMatch(/all of it|somebody@/);
  expect(row).toMatchObject({ identity: { kind: 'session', by: customer.keyId }, channel: 'cabinet' });
  expect(Object.keys(body).sort()).toEqual([
    'archive', 'cancellable', 'closed_at', 'due_at', 'due_is_provisional', 'executes_at', 'extended_at', 'id', 'object', 'received_at', 'status', 'type',
  ]); // biome-ignore format: a list of names
});

test('strangers find nothing, keys without the scope are refused, and nobody files without end', async () => {
  const [mine, stranger] = [await owner(), await owner()];
  const { body } = await file(mine, { type: 'access' });
  expect((await ask(stranger, 'GET', `${PATH}/${body.id}`)).status).toBe(404);
  expect((await ask(stranger, 'POST', `${PATH}/${body.id}/cancel`)).status).toBe(404);
  // A key for everything stands in programs; what gives away or destroys all data has to be named.
  for (const endpoints of [[], ['models', 'account']] as const) {
    const other = await system.customer({ key: { scopes: { endpoints: [...endpoints] } } });
    for (const [method, path] of [
      ['POST', PATH],
      ['GET', PATH],
      ['GET', `${PATH}/${body.id}`],
      ['POST', `${PATH}/${body.id}/link`],
    ] as const)
      expect(
        (await ask(other, method, path, method === 'POST' ? { type: 'access' } : undefined)).body.error?.code,
      ).toBe('scope_forbidden');
  }
  for (const wrong of [
    { type: 'unknown' },
    { type: 'access', by: 'me' },
    { type: 'access', details: 'x'.repeat(4_001) },
  ])
    expect((await file(mine, wrong)).status).toBe(400);
  for (let filed = 1; filed < 20; filed++) {
    const { id } = (await file(stranger, { type: 'access' })).body;
    await ask(stranger, 'POST', `${PATH}/${id}/cancel`);
  }
  await file(stranger, { type: 'access' });
  const flood = await file(stranger, { type: 'rectify' });
  expect([flood.status, flood.body.error?.code]).toEqual([429, 'rate_limit_exceeded']);
});

test('the archive of an access request is downloaded once, by a link that looking at does not use up', async () => {
  const customer = await owner();
  const { id } = (await file(customer, { type: 'access' })).body;
  const link = () => ask(customer, 'POST', `${PATH}/${id}/link`);
  expect((await link()).status).toBe(409);
  const signal = new AbortController().signal;
  const operator = { name: '', address: '', inn: '', email: '', executor: '', processors: '' };
  const cipher = createContentCipher(new Map([[1, masterKey]]));
  await buildArchive(id, { sources: { operator, retentionDefaults: {} }, cipher, signal, now: Date.now });
  const ready = (await ask(customer, 'GET', `${PATH}/${id}`)).body.archive;
  expect(ready).toMatchObject({ status: 'ready', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });

  const { url = '' } = (await link()).body;
  const at = `${system.apis[0]?.url}${new URL(url).pathname}`;
  for (const method of ['HEAD', 'GET', 'GET'] as const) {
    const page = await fetch(at, { method });
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self'");
    if (method === 'GET') expect(await page.text()).toContain('<button type="submit">');
  }
  const tries = await Promise.all(Array.from({ length: 3 }, () => fetch(at, { method: 'POST' })));
  expect(tries.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 404, 404]);
  const file200 = tries.find(({ status }) => status === 200);
  expect(file200?.headers.get('content-disposition')).toBe(`attachment; filename="personal-data-${id}.zip"`);
  const zip = Buffer.from((await file200?.arrayBuffer()) ?? new ArrayBuffer(0));
  expect(createHash('sha256').update(zip).digest('hex')).toBe(ready?.sha256);
  expect(String(unzip(zip).get('answer.en.html'))).toContain(customer.accountId);
  expect(await (await fetch(`${at}?lang=en`)).text()).toContain('This link was used');
  await eventually(async () =>
    expect((await ask(customer, 'GET', `${PATH}/${id}`)).body).toMatchObject({
      status: 'completed',
      archive: { status: 'downloaded' },
    }),
  );
  const { url: another = '' } = (await link()).body;
  expect(another).not.toBe(url);
  expect((await fetch(at)).status).toBe(404);
  expect((await fetch(`${system.apis[0]?.url}${new URL(another).pathname}`)).status).toBe(200);
  const guess = await fetch(`${system.apis[0]?.url}/archives/${'x'.repeat(43)}`, { method: 'POST' });
  expect([guess.status, await guess.text()]).toEqual([404, expect.stringContaining('no such link')]);
});
