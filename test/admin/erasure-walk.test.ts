import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createAccount } from '../../src/billing/account.ts';
import { newId } from '../../src/ids.ts';
import { DestructionAct } from '../../src/models/destruction.ts';
import { PrivacyRequest } from '../../src/models/privacy-request.ts';
import type { StaffRole } from '../../src/models/staff.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { useStores } from '../helpers/stores.ts';
import { type BackOffice, type SignedIn, signIn, startBackOffice } from './back-office.ts';
import { type Language, openBrowser, picture, type Window } from './browser.ts';

/** Support and an admin take an erasure from the letter to the act, in a real browser. */

const noBrowser = process.env.OCELOTIQ_NO_CHROMIUM;
if (noBrowser) console.warn(`The erasure is not walked through in a browser: ${noBrowser}`);

const stores = useStores();
const DAY_MS = 86_400_000;
/** After the cooling-off, and so long after it that no process has a key in its memory any more. */
const LATER_MS = [DAY_MS + 60_000, DAY_MS + 3_600_000];

(noBrowser ? describe.skip : describe)('an erasure in the back-office', () => {
  let office: BackOffice;
  let window: Window;
  const members = new Map<StaffRole, SignedIn>();
  const accountId = newId('acc');

  beforeAll(async () => {
    office = await startBackOffice(stores);
    await createAccount(accountId);
    for (const role of ['support', 'admin'] as const) members.set(role, await signIn(office.url, role));
    window = await openBrowser(office.url);
  }, 240_000);
  afterAll(async () => {
    await window?.close();
    await office.stop();
  });

  const at = (path: string) => `${office.url}/admin/resources/privacyRequests/${path}`;
  const openAs = (role: StaffRole, language: Language) => window.open(language, members.get(role)?.visitor.cookie);

  async function choose(page: Page, action: string, label: string): Promise<void> {
    await page.click(`[data-command=${action}] [class*=control]`);
    await page.keyboard.type(label);
    await page.keyboard.press('Enter');
  }

  async function submit(page: Page, action: string): Promise<void> {
    await page.click(`[data-command=${action}] button[type=submit]`);
    await page.waitForSelector('[data-outcome=done]');
  }

  async function erased(requestId: string): Promise<void> {
    const keys = createKeyStore(new Map([[1, office.masterKey]]));
    const { signal } = new AbortController();
    for (const laterMs of LATER_MS)
      await executeErasure(requestId, { keys, journal: NO_JOURNAL, signal, now: () => Date.now() + laterMs });
  }

  it('goes from the letter to the act, each step as the page names it', async () => {
    const support = await openAs('support', 'ru');
    await support.goto(at('actions/fileSubject'));
    await support.fill('#accountId', accountId);
    await choose(support, 'fileSubject', 'удаление учётной');
    await support.fill('#email', 'subject@example.org');
    await picture(support, '30-letter-ru');
    await submit(support, 'fileSubject');
    const { _id } = (await PrivacyRequest.findOne({ accountId }).lean()) ?? { _id: '' };

    const nextStep = async (page: Page, step: string) => {
      await page.goto(at(`records/${_id}/show`));
      await page.waitForSelector(`[data-value=${step}]`);
    };
    await nextStep(support, 'identify');
    expect(await support.$$('[data-file]')).toEqual([]);
    await support.waitForSelector('text=subject@example.org');
    await picture(support, '31-received-ru');
    await support.goto(at(`records/${_id}/verifyIdentity`));
    await choose(support, 'verifyIdentity', 'подписанное');
    await submit(support, 'verifyIdentity');
    await nextStep(support, 'plan');
    await support.goto(at(`records/${_id}/planErasure`));
    await submit(support, 'planErasure');
    await nextStep(support, 'submit');
    await support.goto(at(`records/${_id}/submitErasure`));
    await submit(support, 'submitErasure');
    await nextStep(support, 'approve');
    await picture(support, '32-planned-ru');
    expect((await support.request.get(at(`records/${_id}/approveErasure`))).status()).toBe(403);
    await support.context().close();

    const admin = await openAs('admin', 'en');
    await nextStep(admin, 'approve');
    const { manifest } = (await PrivacyRequest.findById(_id).lean()) ?? {};
    expect(await admin.textContent('main, #app')).toContain(manifest?.hash);
    await admin.goto(at(`records/${_id}/approveErasure`));
    await admin.fill('#manifestHash', manifest?.hash ?? '');
    await picture(admin, '33-approve-en');
    await submit(admin, 'approveErasure');
    await nextStep(admin, 'cool_off');
    await erased(_id);
    await nextStep(admin, 'none');
    const offered = await admin.$$eval('[data-file]', (links) => links.map((link) => link.getAttribute('data-file')));
    expect(offered).toEqual(['completion.ru.pdf', 'completion.en.pdf', 'evidence.zip']);
    const letter = await admin.request.get(at(`records/${_id}/files/completion.en.pdf`));
    expect([letter.status(), letter.headers()['content-type']]).toEqual([200, 'application/pdf']);
    await picture(admin, '34-erased-en');
    await admin.goto(`${at('')}?filters.term=closed`);
    await admin.waitForSelector('[data-css="privacyRequests-table-row"]');
    await picture(admin, '35-queue-en');
    const act = await DestructionAct.findOne({ causeId: _id }).lean();
    expect((await PrivacyRequest.findById(_id).lean())?.actNumber).toBe(act?._id);
    expect(window.complaints).toEqual([]);
    await admin.context().close();
  });
});
