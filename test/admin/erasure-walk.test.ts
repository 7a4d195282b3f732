import { beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { DestructionAct } from '../../src/models/destruction.ts';
import { PrivacyRequest } from '../../src/models/privacy-request.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { picture } from './browser.ts';
import { choose, describeWalk, submit } from './walk.ts';

/** Support and an admin take an erasure from the letter to the act, in a real browser. */

const DAY_MS = 86_400_000;
/** After the cooling-off, and so long after it that no process has a key in its memory any more. */
const LATER_MS = [DAY_MS + 60_000, DAY_MS + 3_600_000];

describeWalk('an erasure in the back-office', { roles: ['support', 'admin'] }, (walk) => {
  const accountId = newId('acc');
  beforeAll(() => createAccount(accountId));

  const at = (path: string) => `${walk.office.url}/admin/resources/privacyRequests/${path}`;

  async function erased(requestId: string): Promise<void> {
    const keys = createKeyStore(new Map([[1, walk.office.masterKey]]));
    const { signal } = new AbortController();
    for (const laterMs of LATER_MS)
      await executeErasure(requestId, { keys, journal: NO_JOURNAL, signal, now: () => Date.now() + laterMs });
  }

  it('goes from the letter to the act, each step as the page names it', async () => {
    const support = await walk.openAs('support', 'ru');
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

    const admin = await walk.openAs('admin', 'en');
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
    await admin.context().close();
  });
});
