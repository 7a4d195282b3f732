import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';

const stores = useStores();
let system: System;
let customer: Customer;
let pid: number | undefined;
beforeAll(async () => {
  system = await startSystem(stores);
  customer = await system.customer();
  pid = system.apis[0]?.process.child.pid;
});
afterAll(() => system.stop());

afterEach(async () => {
  await eventually(async () => {
    const account = await accounts().findOne({ _id: customer.accountId });
    expect(account).toMatchObject({ open: 0, heldMicros: 0n, holds: {} });
  });
  expect(system.apis[0]?.process.child.exitCode).toBeNull();
  expect(system.apis[0]?.process.child.pid).toBe(pid);
});

const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'test/echo', messages: [{ role: 'user', content: 'x' }] });

function chat(headers: Record<string, string>, path = CHAT): Promise<Response> {
  return customer.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: BODY,
  });
}

async function expectRefused(response: Response, status: number, code: string): Promise<Record<string, unknown>> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, expect.stringContaining(`"code":"${code}"`)]);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/);
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ message: expect.any(String), type: expect.any(String), code });
  expect(error.param === null || typeof error.param === 'string').toBe(true);
  return error;
}

describe('a header that steers a call is right or refused; it is never ignored', () => {
  test.each<[string, string]>([
    ['Idempotency-Key', ''],
    ['Idempotency-Key', 'two words'],
    ['Idempotency-Key', 'k'.repeat(256)],
    ['Idempotency-Key', 'cl\u00e9'],
    ['Idempotency-Key', 'one, two'],
    ['X-Max-Cost', ''],
    ['X-Max-Cost', '-1'],
    ['X-Max-Cost', '+1'],
    ['X-Max-Cost', '1,5'],
    ['X-Max-Cost', '1e3'],
    ['X-Max-Cost', 'NaN'],
    ['X-Max-Cost', 'Infinity'],
    ['X-Max-Cost', '0x10'],
    ['X-Max-Cost', '0.0000001'],
    ['X-Max-Cost', '1000000000000000'],
    ['X-Max-Cost', '1 RUB'],
    ['X-Max-Cost', '1, 2'],
    ['X-Fit-To-Balance', 'yes'],
    ['X-Fit-To-Balance', '1'],
    ['X-Fit-To-Balance', ''],
    ['X-Fit-To-Balance', 'true, false'],
    ['X-Zero-Retention', 'on'],
    ['X-Zero-Retention', ''],
    ['X-On-Disconnect', 'keep'],
    ['X-On-Disconnect', 'Cancel'],
    ['X-On-Disconnect', ''],
  ])('%s: %j', async (name, value) => {
    expect((await expectRefused(await chat({ [name]: value }), 400, 'invalid_request')).param).toBe(name);
  });

  test('given twice is refused, because two values have no order', async () => {
    for (const [name, value] of [
      ['Idempotency-Key', 'k1'],
      ['X-Max-Cost', '5'],
      ['X-Fit-To-Balance', 'true'],
      ['X-On-Disconnect', 'finish'],
    ] as const) {
      const headers = new Headers({ authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' });
      headers.append(name, value);
      headers.append(name, value);
      await expectRefused(
        await fetch(`${system.apis[0]?.url}${CHAT}`, { method: 'POST', headers, body: BODY }),
        400,
        'invalid_request',
      );
    }
  });

  test.each([
    '',
    'not a url',
    'http://example.com/hook',
    'https://user:password@example.com/hook',
    'https://10.0.0.1/hook',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:10.0.0.1]/hook',
    'https://167772161/hook',
    'https://localhost.localdomain:22/hook',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://example.com/hook#fragment',
    `https://example.com/?${'x'.repeat(2_100)}`,
    'https://example.com/a, https://example.com/b',
  ])('X-Callback-Url: %j', async (url) => {
    await expectRefused(await chat({ prefer: 'respond-async', 'x-callback-url': url }), 400, 'callback_url_forbidden');
  });

  test('X-Callback-Url without respond-async has nobody to call, and is refused', async () => {
    await expectRefused(await chat({ 'x-callback-url': 'https://example.com/hook' }), 400, 'invalid_request');
  });

  test('an unknown preference is ignored, as its standard demands; the known one is found among others', async () => {
    for (const prefer of ['wait=10', 'handling=lenient', 'respond-asynchronously', 'x-respond-async', ''])
      expect([prefer, (await chat({ prefer })).status]).toEqual([prefer, 200]);
    for (const prefer of [
      'respond-async',
      'wait=10, respond-async',
      'Respond-Async; foo',
      'return=minimal,respond-async',
    ])
      expect([prefer, (await chat({ prefer })).status]).toEqual([prefer, 202]);
    await waitForQuiet();
  });

  test('right values at their bounds are accepted', async () => {
    for (const headers of [
      { 'idempotency-key': `!${'~'.repeat(254)}` },
      { 'x-max-cost': '999999999999.999999' },
      { 'x-fit-to-balance': 'TRUE' },
      { 'x-fit-to-balance': 'false' },
      { 'x-zero-retention': 'true' },
      { 'x-on-disconnect': 'finish' },
    ])
      expect([headers, (await chat(headers)).status]).toEqual([headers, 200]);
    await waitForQuiet();
  });
});

describe('a key in the address is refused and called leaked, whatever stands around it', () => {
  test.each(['?key=K', '?api_key=K', '?api-key=K', '?apikey=K', '?x=1&token=K', '?access_token=K', '?KEY=K'])(
    '%s',
    async (query) => {
      const url = query.replace('=K', `=${customer.key}`);
      const error = await expectRefused(await chat({}, CHAT + url), 400, 'key_in_query');
      expect(JSON.stringify(error)).not.toContain(customer.key);
      await expectRefused(await fetch(`${system.apis[0]?.url}/v1/models${url}`), 400, 'key_in_query');
    },
  );
});

describe('addresses and methods', () => {
  test.each<[string, string, string]>([
    ['GET', CHAT, 'POST'],
    ['PUT', CHAT, 'POST'],
    ['DELETE', CHAT, 'POST'],
    ['PATCH', CHAT, 'POST'],
    ['OPTIONS', CHAT, 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['DELETE', '/v1/models/test/echo', 'GET'],
    ['POST', '/v1/requests/req_x', 'GET'],
    ['POST', '/v1/requests/req_x/stream', 'GET'],
    ['GET', '/v1/requests/req_x/cancel', 'POST'],
    ['POST', '/v1/balance', 'GET'],
    ['DELETE', '/v1/key', 'GET'],
    ['POST', '/healthz', 'GET'],
    ['DELETE', '/readyz', 'GET'],
    ['PUT', '/openapi.json', 'GET'],
  ])('%s %s is 405, and Allow names what is allowed', async (method, path, allow) => {
    const response = await customer.fetch(path, { method });
    await expectRefused(response, 405, 'method_not_allowed');
    expect(response.headers.get('allow')?.split(', ')).toContain(allow);
  });

  test.each([
    '/',
    '/v1',
    '/v1/',
    '/v2/models',
    '/v1/completions',
    '/v1/chat/completions/more',
    '/v1/chat//completions',
    '/v1/requests',
    '/v1/requests/req_x/unknown',
    '/.env',
    '/.git/config',
    '/index.php?id=1',
    '/v1/..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/docs/..%2f..%2fpackage.json',
    `/${'x'.repeat(500)}`,
    '/v1/models%00',
  ])('%s is no route: 404', async (path) => {
    await expectRefused(await customer.fetch(path), 404, 'not_found');
    expect((await customer.fetch(path, { method: 'POST', body: BODY })).status).toBe(404);
  });

  test.each([
    '/v1/models/%',
    '/v1/models/%E0%A4%A',
    '/v1/models/%ff',
    '/v1/requests/%zz',
    '/v1/requests/%C3%28/stream',
    '/%E0%A4%A',
  ])('broken percent encoding is the client’s mistake: %s', async (path) => {
    const response = await customer.fetch(path);
    expect([400, 404]).toContain(response.status);
    await expectRefused(response, response.status, response.status === 400 ? 'invalid_request' : 'not_found');
  });

  test.each([
    'req_x',
    'req_$where',
    'REQ_01KB2V6M3X8P4Q9R7T5W1Y0Z2A',
    'acc_01kb2v6m3x8p4q9r7t5w1y0z2a',
    'req_01kb2v6m3x8p4q9r7t5w1y0z2a',
    '[object Object]',
    '%00',
    '..%2f..',
  ])('a request id that is none, or nobody’s, is 404: %s', async (id) => {
    for (const [method, action] of [
      ['GET', ''],
      ['GET', '/stream'],
      ['POST', '/cancel'],
    ] as const)
      await expectRefused(await customer.fetch(`/v1/requests/${id}${action}`, { method }), 404, 'not_found');
  });

  test('a place in a stream that is no number is refused, in query and header', async () => {
    const path = '/v1/requests/req_01kb2v6m3x8p4q9r7t5w1y0z2a/stream';
    for (const value of ['-1', '1.5', 'x', '1e3', '99999999999', '%00', ''])
      expect((await customer.fetch(`${path}?starting_after=${value}`)).status).toBe(400);
    await expectRefused(await customer.fetch(`${path}?starting_after=1&starting_after=2`), 400, 'invalid_request');
    await expectRefused(await customer.fetch(`${path}?starting_after[$gt]=1`), 404, 'not_found');
    for (const value of ['x', '-1', '1, 2'])
      await expectRefused(await customer.fetch(path, { headers: { 'last-event-id': value } }), 400, 'invalid_request');
  });
});

test('after all of this nothing is left behind, and a normal call works', async () => {
  expect((await chat({})).status).toBe(200);
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  expect(await requests().countDocuments({ state: { $ne: 'done' } })).toBe(0);
});
