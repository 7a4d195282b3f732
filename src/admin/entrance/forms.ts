import type { Request } from 'express';
import type { Enrolment } from '../../auth/staff-totp.ts';
import { html, type Markup } from '../../html.ts';
import { visitorOf } from '../visitor.ts';
import { complaint, form, type PageContent } from './page.ts';
import { qrPicture } from './qr.ts';
import { textsOf } from './texts.ts';

/** The pages of the way in and out. */

const textsFor = (request: Request) => textsOf(visitorOf(request).language);

export function signInPage(request: Request, problem?: string, email = ''): PageContent {
  const t = textsFor(request);
  const fields = html`<label>${t.email}<input name="email" type="email" autocomplete="username" required maxlength="254" value="${email}" autofocus></label>
<label>${t.password}<input name="password" type="password" autocomplete="current-password" required maxlength="128"></label>
<button>${t.continue}</button>`;
  return {
    title: t.signIn,
    body: html`${complaint(problem)}${form(request, '/sign-in', fields)}<p>${t.noAccess}</p>`,
  };
}

export function codePage(request: Request, problem?: string): PageContent {
  const t = textsFor(request);
  const fields = html`<label>${t.code}<input name="code" autocomplete="one-time-code" required maxlength="20" autofocus></label>
<button>${t.continue}</button>`;
  return {
    title: t.codeTitle,
    body: html`${complaint(problem)}<p>${t.codeHelp}</p>${form(request, '/code', fields)}<p><a href="/sign-out">${t.startOver}</a></p>`,
  };
}

/** The token stands behind the `#` of the link, which browsers do not send; a script puts it into the form. */
export function invitationPage(request: Request, nonce: string, problem?: string, token = ''): PageContent {
  const t = textsFor(request);
  const fields = html`<label>${t.invitationToken}<input name="token" autocomplete="off" required maxlength="100" value="${token}"></label>
<label>${t.newPassword}<input name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="128"><span class="hint">${t.passwordHelp}</span></label>
<label>${t.repeatPassword}<input name="repeated" type="password" autocomplete="new-password" required minlength="12" maxlength="128"></label>
<button>${t.continue}</button>`;
  const fill = html`<script nonce="${nonce}">
const token = location.hash.slice(1);
if (token) document.querySelector('[name=token]').value = token;
for (const link of document.querySelectorAll('header a')) link.hash = location.hash;
</script>`;
  return {
    title: t.invitationTitle,
    body: html`${complaint(problem)}<p>${t.invitationHelp}</p>${form(request, '/invitation', fields)}${fill}`,
  };
}

function grouped(secret: string): string {
  return secret.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

export function enrolmentPage(request: Request, enrolment: Enrolment, problem?: string): PageContent {
  const t = textsFor(request);
  const fields = html`<label>${t.code}<input name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="10" autofocus></label>
<button>${t.continue}</button>`;
  const body = html`${complaint(problem)}<p>${t.enrolHelp}</p>
${qrPicture(enrolment.uri, t.enrolPicture)}
<p>${t.enrolKey}</p>
<p class="key" data-secret="${enrolment.secret}">${grouped(enrolment.secret)}</p>
<p><a href="${enrolment.uri}">${t.enrolOpen}</a></p>
<p>${t.enrolConfirm}</p>${form(request, '/enrolment', fields)}`;
  return { title: t.enrolTitle, body };
}

export function recoveryPage(request: Request, codes: readonly string[]): PageContent {
  const t = textsFor(request);
  const list: Markup[] = codes.map((code) => html`<li>${code}</li>`);
  const done = html`<a class="button" href="/admin?lng=${visitorOf(request).language}">${t.recoveryDone}</a>`;
  return { title: t.recoveryTitle, body: html`<p>${t.recoveryHelp}</p><ul class="codes">${list}</ul>${done}` };
}

export function signOutPage(request: Request): PageContent {
  const t = textsFor(request);
  const { session } = visitorOf(request);
  if (!session)
    return {
      title: t.signOutTitle,
      body: html`<p>${t.signedOut}</p><a class="button" href="/sign-in">${t.startOver}</a>`,
    };
  const buttons = html`<button>${t.signOut}</button><button class="quiet" name="everywhere" value="yes">${t.signOutEverywhere}</button>`;
  const body = html`<p>${t.signOutHelp} <b>${session.member.email}</b>.</p>${form(request, '/sign-out', buttons)}
${session.stage === 'open' && html`<p><a href="/admin">${t.back}</a></p>`}`;
  return { title: t.signOutTitle, body };
}
