import type { Request, Response } from 'express';
import { html, Markup } from '../../html.ts';
import type { Language } from '../../language.ts';
import { visitorOf } from '../visitor.ts';
import { type Texts, textsOf } from './texts.ts';

/** The frame of our own pages. They work without scripts. */

export type PageContent = { title: string; body: Markup; status?: number };

function otherLanguage(request: Request, language: Language, texts: Texts): Markup {
  const other: Language = language === 'ru' ? 'en' : 'ru';
  return html`<a href="${request.path}?lang=${other}" lang="${other}" hreflang="${other}">${texts.otherLanguage}</a>`;
}

/** Sends a page in the visitor's language. */
export function sendPage(request: Request, response: Response, { title, body, status = 200 }: PageContent): void {
  const { language } = visitorOf(request);
  const texts = textsOf(language);
  const isForm = request.method === 'GET';
  const page = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} – ${texts.product}</title>
<link rel="icon" type="image/svg+xml" href="/look/icon.svg">
<link rel="stylesheet" href="/look/entrance.css">
</head>
<body>
<main>
<header><img src="/look/logo.svg" alt="Ocelotiq">${isForm && otherLanguage(request, language, texts)}</header>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
  response.status(status).type('html').send(page.text);
}

/** A form to our own address, in the same language, with the token that shows it is ours. */
export function form(request: Request, action: string, content: Markup): Markup {
  const { formToken, language } = visitorOf(request);
  return html`<form method="post" action="${action}?lang=${language}" autocomplete="on">
<input type="hidden" name="formToken" value="${formToken}">
${content}
</form>`;
}

/** What went wrong, above a form. */
export function complaint(text: string | undefined): Markup {
  return text === undefined ? new Markup('') : html`<p class="bad" role="alert">${text}</p>`;
}
