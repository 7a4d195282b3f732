import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** A real browser for the tests of pages. Pictures are left in artifacts/admin. */

export const LANGUAGES = { ru: 'ru-RU', en: 'en-GB' } as const;
export type Language = keyof typeof LANGUAGES;

const PICTURES = fileURLToPath(new URL('../../artifacts/admin', import.meta.url));
const VIEW = { width: 1440, height: 900 };
const LAUNCH_MS = 120_000;
const STEP_MS = 30_000;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type Window = {
  /** Console errors and uncaught exceptions of every page. */
  complaints: string[];
  /** Addresses of other hosts that a page asked for. */
  elsewhere: string[];
  /** A page of a browser of its own; signed in with a cookie, when there is one. */
  open(language: Language, cookie?: string): Promise<Page>;
  close(): Promise<void>;
};

/** @param url of the back-office. */
export async function openBrowser(url: string): Promise<Window> {
  mkdirSync(PICTURES, { recursive: true });
  const executablePath = process.env.OCELOTIQ_CHROMIUM ?? '/usr/bin/chromium';
  const browser: Browser = await chromium.launch({ executablePath, args: FLAGS, timeout: LAUNCH_MS });
  const [complaints, elsewhere]: [string[], string[]] = [[], []];

  function listen(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${String(error)}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !/^(data|blob|about):/.test(request.url())) elsewhere.push(request.url());
    });
  }

  return {
    complaints,
    elsewhere,
    open: async (language, cookie) => {
      const context: BrowserContext = await browser.newContext({
        viewport: VIEW,
        locale: LANGUAGES[language],
        timezoneId: 'Europe/Moscow',
        reducedMotion: 'reduce',
      });
      context.setDefaultTimeout(STEP_MS);
      const [name = '', value = ''] = cookie?.split('=') ?? [];
      if (name) await context.addCookies([{ name, value, url, sameSite: 'Strict', httpOnly: true }]);
      const page = await context.newPage();
      listen(page);
      return page;
    },
    close: () => browser.close(),
  };
}

/** What axe-core finds on a page that keeps people from using it: the rule, and where. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`)) as axe.AxeResults;
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}
