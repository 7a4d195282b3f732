import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { html, Markup } from '../../html.ts';
import { chooseLanguage, type Language } from '../../language.ts';

/** The frame of public pages: no scripts, no cookies, nothing from elsewhere. */

const STYLE = `
:root{--ink:#1c1917;--soft:#57534e;--line:#d6d3d1;--paper:#fff;--ground:#f5f5f4;--accent:#b45309}
*{box-sizing:border-box}
body{margin:0;padding:24px 16px;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:860px;margin:0 auto;background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:32px}
header{display:flex;justify-content:space-between;align-items:baseline;gap:16px;margin-bottom:24px;font-size:14px}
header b{font-size:18px}
h1{font-size:28px;line-height:1.25;margin:0 0 8px}
h2{font-size:19px;line-height:1.3;margin:32px 0 8px}
p{margin:0 0 12px}
a{color:var(--accent)}
a:focus-visible{outline:3px solid #f59e0b;outline-offset:1px}
button{font:inherit;font-weight:600;padding:10px 18px;border:0;border-radius:8px;background:var(--accent);color:#fff;cursor:pointer}
button:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}
.meta{color:var(--soft);font-size:14px;overflow-wrap:anywhere}
.note{border-left:4px solid #f59e0b;background:#fffbeb;padding:10px 14px;margin:0 0 16px}
.wide{overflow-x:auto;margin:0 0 12px}
table{width:100%;border-collapse:collapse;font-size:14px;line-height:1.4}
th,td{text-align:left;vertical-align:top;padding:8px 10px;border-bottom:1px solid var(--line)}
th{background:var(--ground);font-weight:600}
ul{margin:0 0 12px;padding-left:20px}
footer{margin-top:32px;padding-top:16px;border-top:1px solid var(--line);font-size:14px;color:var(--soft)}
@media(max-width:600px){main{padding:20px}h1{font-size:23px}}
@media print{body{background:#fff;padding:0}main{border:0}}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

function contentPolicy(hasForm: boolean): string {
  const formAction = hasForm ? "'self'" : "'none'";
  return `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action ${formAction}`;
}

const WORDS = {
  ru: {
    other: 'English',
    cookies:
      'Эта страница не устанавливает файлов cookie и ничего не сообщает о вас третьим лицам, поэтому выбирать здесь нечего.',
  },
  en: {
    other: 'Русский',
    cookies: 'This page sets no cookies and tells nobody else about you, so there is nothing to choose here.',
  },
} as const;

/** Sends a page in the language that was asked for, or that the browser prefers. */
export function sendPublicPage(
  request: Request,
  response: Response,
  page: (language: Language) => { title: string; body: Markup },
  { hasForm = false }: { hasForm?: boolean } = {},
): void {
  const language = chooseLanguage(request);
  const other: Language = language === 'ru' ? 'en' : 'ru';
  const { title, body } = page(language);
  const query = new URLSearchParams(request.query as Record<string, string>);
  query.set('lang', other);
  const text = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Ocelotiq</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header><b>Ocelotiq</b><a href="${request.path}?${query.toString()}" lang="${other}" hreflang="${other}">${WORDS[language].other}</a></header>
${body}
<footer>${WORDS[language].cookies}</footer>
</main>
</body>
</html>
`.text;
  response.setHeader('content-security-policy', contentPolicy(hasForm));
  response.setHeader('content-language', language);
  response.setHeader('vary', 'accept-language');
  response.type('html').send(text);
}
