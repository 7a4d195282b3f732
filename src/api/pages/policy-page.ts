import { html, type Markup } from '../../html.ts';
import type { Language } from '../../language.ts';
import type { ConsentDocumentDocument } from '../../models/consent.ts';
import type { PolicySection, PolicyVersionDocument } from '../../models/policy.ts';
import type { VersionLine } from '../../privacy/policy-versions.ts';

/** The policy and consents as people read them. */

const WORDS = {
  ru: {
    draft: 'Это проект, составленный по настройкам. Он ещё не опубликован и не действует.',
    version: 'Версия',
    since: 'действует с',
    checksum: 'Контрольная сумма (SHA-256)',
    versions: 'Версии',
    consents: 'Документы о согласии',
    policy: 'Политика обработки персональных данных',
    consentHelp:
      'Согласие даётся отдельно и необязательно. Дать и отозвать его можно одинаково: PUT и DELETE /v1/account/consents/',
  },
  en: {
    draft: 'This is a draft made of the settings. It is not published yet and not in force.',
    version: 'Version',
    since: 'in force from',
    checksum: 'Checksum (SHA-256)',
    versions: 'Versions',
    consents: 'Consent documents',
    policy: 'Privacy policy',
    consentHelp:
      'A consent is given separately, and nobody has to give it. It is given and withdrawn alike: PUT and DELETE /v1/account/consents/',
  },
} as const;

const dateIn = (language: Language, date: Date) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'Europe/Moscow' }).format(date);

function tableOf({ head, rows }: NonNullable<PolicySection['table']>): Markup {
  return html`<div class="wide"><table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

function sectionOf({ heading, paragraphs, table }: PolicySection): Markup {
  return html`<h2>${heading}</h2>
${paragraphs.map((text) => html`<p>${text}</p>`)}
${table && tableOf(table)}`;
}

function versionLink({ _id, effectiveAt }: VersionLine, language: Language): Markup {
  const { version, since } = WORDS[language];
  return html`<li><a href="/privacy?version=${_id}&amp;lang=${language}">${version} ${_id}</a>, ${since} ${dateIn(language, effectiveAt)}</li>`;
}

export type ShownPolicy = {
  content: PolicyVersionDocument['content'];
  /** Undefined for a draft. */
  version?: VersionLine | undefined;
  versions: readonly VersionLine[];
  consents: readonly ConsentDocumentDocument[];
};

export function policyPage({ content, version, versions, consents }: ShownPolicy, language: Language) {
  const words = WORDS[language];
  const { title, sections } = content[language];
  const consentLink = ({ purpose, title: name }: ConsentDocumentDocument) =>
    html`<li><a href="/consents/${purpose}?lang=${language}">${name[language]}</a></li>`;
  const body = html`<h1>${title}</h1>
${version ? html`<p class="meta">${words.version} ${version._id}, ${words.since} ${dateIn(language, version.effectiveAt)} · ${words.checksum}: ${version.hash}</p>` : html`<p class="note">${words.draft}</p>`}
${sections.map(sectionOf)}
${consents.length > 0 && html`<h2>${words.consents}</h2><ul>${consents.map(consentLink)}</ul>`}
${versions.length > 0 && html`<h2>${words.versions}</h2><ul>${versions.map((one) => versionLink(one, language))}</ul>`}`;
  return { title, body };
}

export function consentPage(document: ConsentDocumentDocument, language: Language) {
  const words = WORDS[language];
  const { purpose, version, title, text, hash, publishedAt } = document;
  const body = html`<h1>${title[language]}</h1>
<p class="meta">${words.version} ${version}, ${words.since} ${dateIn(language, publishedAt)} · ${words.checksum}: ${hash[language]}</p>
${text[language].split('\n').map((paragraph) => html`<p>${paragraph}</p>`)}
<p class="note">${words.consentHelp}${purpose}</p>
<p><a href="/privacy?lang=${language}">${words.policy}</a></p>`;
  return { title: title[language], body };
}
