import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { html, scriptJson } from '../../html.ts';
import type { Language } from '../../language.ts';

/** The page of Bull Board in our own frame: its scripts and styles, and nothing from other hosts. */

const require = createRequire(import.meta.url);
const TEMPLATE = path.join(path.dirname(require.resolve('@bull-board/ui/package.json')), 'dist/index.ejs');
const LOCALES: Readonly<Record<Language, string>> = { ru: 'ru-RU', en: 'en-GB' };

/** What the template loads of its own, by its order. */
function namesIn(template: string, pattern: RegExp): string[] {
  const names = [...template.matchAll(pattern)].flatMap(([, name]) => name ?? []);
  if (names.length === 0) throw new Error('the page of @bull-board/ui is not what it was');
  return names;
}

export type BoardPage = (language: Language) => string;

/** @param basePath where the board is mounted, with a slash at its end. */
export function createBoardPage(basePath: string): BoardPage {
  const template = readFileSync(TEMPLATE, 'utf8');
  const scripts = namesIn(template, /<script defer src="(static\/js\/[\w.-]+)"/g);
  const styles = namesIn(template, /<link href="(static\/css\/[\w.-]+)"/g);
  return (language) => {
    const config = {
      boardTitle: 'Ocelotiq',
      boardLogo: { path: '/look/icon.svg', width: 24, height: 24 },
      locale: { lng: LOCALES[language] },
      showWorkers: false,
      hideRedisDetails: true,
      hideDocsLink: true,
      miscLinks: [{ text: language === 'ru' ? 'Назад в бэк-офис' : 'Back to the back-office', url: '/admin' }],
    };
    return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<base href="${basePath}">
<title>Ocelotiq</title>
<link rel="icon" type="image/svg+xml" href="/look/icon.svg">
${styles.map((name) => html`<link rel="stylesheet" href="${name}">\n`)}
</head>
<body>
<script id="__UI_CONFIG__" type="application/json">${scriptJson(config)}</script>
<div id="root"></div>
${scripts.map((name) => html`<script defer src="${name}"></script>\n`)}
</body>
</html>
`.text;
  };
}
