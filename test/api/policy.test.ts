import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';
import { Consent } from '../../src/models/consent.ts';
import { PolicyAcceptance } from '../../src/models/policy.ts';
import { buildPolicy } from '../../src/privacy/policy-content.ts';
import { changeRetention } from '../../src/privacy/retention-settings.ts';
import { rowClass } from '../../src/privacy/row-classes.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { give, person } from '../operations/desk.ts';

/** What customers are promised, in which version they were told, and what they consented to. */
const stores = useStores();
const admin = person('admin');
let system: System;
let customer: Customer;

beforeAll(async () => {
  system = await startSystem(stores, { workers: 0, env: { OPERATOR_NAME: 'ООО «Пример»' } });
  customer = await system.customer();
});
afterAll(() => system.stop());

type Json = Record<string, never>;
async function ask(
  method: string,
  path: string,
  body?: object,
  who = customer,
): Promise<{ status: number; body: Json }> {
  const answer = await who.fetch(path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Json };
}
const page = async (path: string) => (await customer.fetch(path)).text();
const publish = (inMs: number) =>
  give(admin, 'policy.publish', '', { effectiveAt: new Date(Date.now() + inMs).toISOString() });

test('before a version is published, the page is a draft of the settings and says so', async () => {
  const text = await page('/privacy?lang=ru');
  expect(text).toContain('Это проект');
  expect(text).toContain('ООО «Пример»');
});

test('the table is made of the terms that the purge goes by', async () => {
  const sources = { operator: { name: '', address: '', inn: '', email: '' }, retentionDefaults: {} };
  const termOf = async () =>
    (await buildPolicy(sources)).ru.sections[1]?.table?.rows.find(([name]) => name?.startsWith('тексты запросов'))?.[3];
  expect(await termOf()).toBe('30 дней от запроса');
  await changeRetention({ row: rowClass('request.content'), value: 90, by: 'anna' }, {});
  expect(await termOf()).toBe('90 дней от запроса');
});

test('a version is what was published, accepted once with its hash, and another one does not change it', async () => {
  await publish(60_000);
  const none = await ask('POST', '/v1/account/policy', { version: 9 });
  expect(none.status).toBe(404);
  const accepted = await ask('POST', '/v1/account/policy', { version: 1 });
  await ask('POST', '/v1/account/policy', { version: 1 });
  expect(accepted.body).toMatchObject({ accepted: [{ version: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }] });
  expect(await PolicyAcceptance.find().lean()).toMatchObject([
    { accountId: customer.accountId, keyId: customer.keyId },
  ]);
  await expect(publish(100_000)).rejects.toHaveProperty('code', 'state_conflict');
  await changeRetention({ row: rowClass('delivery'), value: 91, by: 'anna' }, {});
  await expect(publish(-1_000)).rejects.toHaveProperty('code', 'invalid_request');
  await publish(86_400_000);
  expect(await page('/privacy?version=1&lang=ru')).toContain('90 дней от запроса');
  expect(await page('/privacy?version=2&lang=ru')).toContain('91 день от запроса');
  for (const version of ['3', '0', 'x', '1&version=2'])
    expect((await customer.fetch(`/privacy?version=${version}`)).status).toBe(404);
});

const NEWS = {
  purpose: 'news',
  titleRu: 'Согласие на новости',
  titleEn: 'Consent to news',
  textRu: 'Я согласен получать новости сервиса по электронной почте до отзыва согласия.',
  textEn: 'I agree to get news of the service by e-mail until this consent is withdrawn.',
};

test('a consent is given to the very words shown, and withdrawn with as little', async () => {
  await give(admin, 'consents.publish', '', NEWS);
  const [asked] = (await ask('GET', '/v1/account/consents')).body.data as unknown as {
    version: number;
    text_sha256: { ru: string; en: string };
    given_at: null;
  }[];
  expect(asked).toMatchObject({ version: 1, given_at: null });
  const words = { version: 1, language: 'ru', text_sha256: asked?.text_sha256.ru };
  const put = (body: object) => ask('PUT', '/v1/account/consents/news', body);
  expect((await put({ ...words, text_sha256: asked?.text_sha256.en })).status).toBe(409);
  const answers = await Promise.all([put(words), put(words)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(await Consent.find().lean()).toMatchObject([
    { textHash: words.text_sha256, givenBy: customer.keyId, version: 1 },
  ]);
  await give(admin, 'consents.publish', '', { ...NEWS, textRu: `${NEWS.textRu} И ещё об одном.` });
  expect((await put(words)).status).toBe(409);
  expect((await ask('GET', '/v1/account/consents')).body).toMatchObject({ data: [{ version: 2, given_version: 1 }] });
  const ended = await ask('DELETE', '/v1/account/consents/news');
  expect(ended.body).toMatchObject({ data: [{ given_version: null }] });
  expect((await ask('DELETE', '/v1/account/consents/none')).status).toBe(200);
  expect(await Consent.findOne().lean()).toMatchObject({ withdrawnBy: customer.keyId, withdrawnAt: expect.any(Date) });
});

test('staff withdraw a consent for somebody who wrote a letter', async () => {
  await give(admin, 'consents.publish', '', { ...NEWS, purpose: 'letters' });
  const { text_sha256 } =
    (
      (await ask('GET', '/v1/account/consents')).body.data as unknown as {
        purpose: string;
        text_sha256: { en: string };
      }[]
    ).find(({ purpose }) => purpose === 'letters') ?? {};
  await ask('PUT', '/v1/account/consents/letters', { version: 1, language: 'en', text_sha256: text_sha256?.en });
  const support = person('support');
  await give(support, 'consents.withdraw', customer.accountId, { purpose: 'letters' });
  expect(await Consent.findOne({ purpose: 'letters' }).lean()).toMatchObject({ withdrawnBy: support.staffId });
});

const noBrowser = process.env.OCELOTIQ_NO_CHROMIUM;
(noBrowser ? describe.skip : describe)('the pages in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    const executablePath = process.env.OCELOTIQ_CHROMIUM ?? '/usr/bin/chromium';
    browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox'], timeout: 120_000 });
  }, 150_000);
  afterAll(() => browser?.close());

  test.each(['ru', 'en'])(
    'stand as they should in %s, set no cookie and fetch nothing else',
    async (language) => {
      mkdirSync(fileURLToPath(new URL('../../artifacts', import.meta.url)), { recursive: true });
      const context = await browser.newContext({ viewport: { width: 1_000, height: 800 } });
      const tab = await context.newPage();
      const complaints: string[] = [];
      const fetched: string[] = [];
      tab.on('console', (message) => complaints.push(message.text()));
      tab.on('request', (request) => fetched.push(new URL(request.url()).pathname));
      for (const path of ['/privacy', '/consents/news']) {
        await tab.goto(`${system.apis[0]?.url}${path}?lang=${language}`);
        expect(await tab.getAttribute('html', 'lang')).toBe(language);
        const padding = await tab.evaluate(`getComputedStyle(document.querySelector('main')).padding`);
        expect(padding).toBe('32px');
        const name = `artifacts/policy-${path.split('/')[1]}-${language}.png`;
        await tab.screenshot({ path: fileURLToPath(new URL(`../../${name}`, import.meta.url)), fullPage: true });
      }
      expect(await context.cookies()).toEqual([]);
      expect(complaints.filter((text) => !/favicon/.test(text))).toEqual([]);
      expect(fetched.filter((path) => path !== '/favicon.ico')).toEqual(['/privacy', '/consents/news']);
      await context.close();
    },
    60_000,
  );
});
