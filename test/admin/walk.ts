import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { StaffRole } from '../../src/models/staff.ts';
import { type Stores, useStores } from '../helpers/stores.ts';
import { type BackOffice, type SignedIn, signIn, startBackOffice } from './back-office.ts';
import { type Language, openBrowser, type Window } from './browser.ts';

/** The back-office as a person sees it, in a real browser. */

export type Walk = {
  stores: Stores;
  office: BackOffice;
  window: Window;
  members: ReadonlyMap<StaffRole, SignedIn>;
  openAs(role: StaffRole, language: Language): Promise<Page>;
};

export type WalkSettings = {
  /** Who has signed in when the tests begin. */
  roles: readonly StaffRole[];
  /** Complaints of the browser that the tests bring about on purpose. */
  expectedComplaints?: RegExp;
};

/** Tests over one back-office and one browser. What is in the walk is there once the tests run. */
export function describeWalk(name: string, settings: WalkSettings, tests: (walk: Walk) => void): void {
  const noBrowser = process.env.OCELOTIQ_NO_CHROMIUM;
  if (noBrowser) console.warn(`Not tested in a browser: ${name}: ${noBrowser}`);
  const stores = useStores();
  (noBrowser ? describe.skip : describe)(name, () => {
    const members = new Map<StaffRole, SignedIn>();
    let office: BackOffice;
    let window: Window;
    beforeAll(async () => {
      office = await startBackOffice(stores);
      for (const role of settings.roles) members.set(role, await signIn(office.url, role));
      window = await openBrowser(office.url);
    }, 240_000);
    afterAll(async () => {
      await window?.close();
      await office?.stop();
    });
    tests({
      stores,
      members,
      get office() {
        return office;
      },
      get window() {
        return window;
      },
      openAs: (role, language) => window.open(language, members.get(role)?.visitor.cookie),
    });
    it('left no complaint in the console and asked no other host for anything', () => {
      const unexpected = window.complaints.filter((text) => !settings.expectedComplaints?.test(text));
      expect(unexpected).toEqual([]);
      expect(window.elsewhere).toEqual([]);
    });
  });
}

/** Chooses in the form of a command: what the typed label finds, or the first there is. */
export async function choose(page: Page, command: string, label = ''): Promise<void> {
  await page.click(`[data-command=${command}] [class*=control]`);
  await page.keyboard.type(label);
  await page.keyboard.press('Enter');
}

/** Sends the form of a command and waits for how it ends. */
export async function submit(page: Page, command: string, outcome: 'done' | 'refused' = 'done'): Promise<void> {
  await page.click(`[data-command=${command}] button[type=submit]`);
  await page.waitForSelector(`[data-outcome=${outcome}]`);
}
