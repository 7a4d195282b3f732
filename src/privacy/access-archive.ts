import type { Document } from 'mongodb';
import { html } from '../html.ts';
import type { PrivacyRequestDocument } from '../models/privacy-request.ts';
import { HTML_END, htmlHead, renderHtml } from '../papers/html.ts';
import type { ZipEntry } from '../papers/zip.ts';
import { type AnswerSources, accessAnswer } from './access-answer.ts';
import { exportRows } from './class-rows.ts';
import type { ContentCipher } from './content-key.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import { RU_WORDS } from './policy-words.ts';
import { readableRow } from './readable-row.ts';
import { ROW_CLASSES } from './row-classes.ts';
import { STAFF_CLASSES } from './staff-classes.ts';

/** The files of the archive that answers a request of access: what the law wants said, and every class of the registry. */

type Cipher = Pick<ContentCipher, 'open'>;
type Language = 'ru' | 'en';
type RowClass = DataClass<MongoStore>;

/** Rows with texts may be large, and a page of them is in memory. */
const TEXT_ROWS_PER_PAGE = 10;
const ROWS_PER_PAGE = 500;
/** What a person reads; the JSON beside it has all. */
const ROWS_SHOWN_MAX = 200;

const WORDS = {
  ru: {
    title: 'Ваши данные',
    none: 'Записей нет.',
    cut: 'Показаны первые записи; все записи — в файле',
    purpose: 'Цель',
    long: 'Показано не всё; целиком — в файле',
  },
  en: {
    title: 'Your data',
    none: 'No records.',
    cut: 'The first records; all of them are in the file',
    purpose: 'Purpose',
    long: 'Not all is shown; complete in the file',
  },
} as const;

const staffIds = new Set(STAFF_CLASSES.map(({ id }) => id));

/** The classes whose rows a subject gets. */
export const GIVEN_CLASSES: readonly RowClass[] = ROW_CLASSES.filter(
  ({ id, withheld }) => withheld !== '*' && !staffIds.has(id),
);

const fileOf = ({ id }: RowClass) => `data/${id}.json`;

function jsonOf(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_name, member: unknown) => (typeof member === 'bigint' ? String(member) : member),
    indent,
  );
}

/** Takes out what the subject does not get. The row is the reader's own. */
function withhold(row: Document, paths: readonly string[]): Document {
  for (const path of paths) {
    const names = path.split('.');
    const last = names.pop() ?? path;
    const parent = names.reduce<Document | undefined>((at, name) => at?.[name], row);
    if (parent && typeof parent === 'object') delete parent[last];
  }
  return row;
}

/** A subject's rows of a class, without what is withheld. */
async function* givenRows(row: RowClass, accountId: string, cipher: Cipher): AsyncGenerator<Document> {
  const { withheld = [] } = row;
  const pageRows = row.store.sealed ? TEXT_ROWS_PER_PAGE : ROWS_PER_PAGE;
  for await (const page of exportRows(row, accountId, cipher, pageRows))
    for (const one of page) {
      const given = withhold(one, withheld === '*' ? Object.keys(one) : withheld);
      // A row of several classes may have nothing of this one.
      if (Object.keys(given).length > 1) yield given;
    }
}

async function* classJson(row: RowClass, accountId: string, cipher: Cipher): AsyncGenerator<string> {
  const { id, category, purpose, legalBasis, retention } = row;
  yield `{"class":${jsonOf(id)},"category":${jsonOf(category)},"purpose":${jsonOf(purpose)},"basis":${jsonOf(legalBasis)},`;
  yield `"retention":${jsonOf(retention)},"rows":[`;
  let separator = '\n';
  for await (const one of givenRows(row, accountId, cipher)) {
    yield `${separator}${jsonOf(one)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}

async function* classPage(
  row: RowClass,
  accountId: string,
  cipher: Cipher,
  language: Language,
): AsyncGenerator<string> {
  const words = WORDS[language];
  yield html`<h2>${row.category[language]}</h2>`.text;
  yield html`<p class="quiet">${words.purpose}: ${language === 'ru' ? (RU_WORDS[row.id]?.purpose ?? '') : row.purpose}</p>`
    .text;
  let shown = 0;
  for await (const one of givenRows(row, accountId, cipher)) {
    if (shown === ROWS_SHOWN_MAX) {
      yield html`<p>${words.cut} ${fileOf(row)}.</p>`.text;
      return;
    }
    shown++;
    const { members, isCut } = readableRow(one);
    const lines = members.map(([path, text]) => html`<tr><th scope="row">${path}</th><td>${text}</td></tr>`);
    const rest = isCut ? html`<p class="quiet">${words.long} ${fileOf(row)}.</p>` : '';
    yield html`<details><summary>${String(one._id)}</summary><table><tbody>${lines}</tbody></table>${rest}</details>`
      .text;
  }
  if (shown === 0) yield html`<p>${words.none}</p>`.text;
}

async function* dataPage(accountId: string, cipher: Cipher, language: Language): AsyncGenerator<string> {
  const { title } = WORDS[language];
  yield html`${htmlHead(language, title)}<h1>${title}</h1>`.text;
  for (const row of GIVEN_CLASSES) yield* classPage(row, accountId, cipher, language);
  yield HTML_END.text;
}

/** The archive's files, each made when it is read. */
export async function* archiveFiles(
  request: PrivacyRequestDocument,
  sources: AnswerSources,
  cipher: Cipher,
  at: Date,
): AsyncGenerator<ZipEntry> {
  const { accountId } = request;
  for (const language of ['ru', 'en'] as const) {
    const answer = await accessAnswer(request, sources, { language, at });
    yield { name: `answer.${language}.html`, content: Buffer.from(renderHtml(answer)) };
    yield { name: `answer.${language}.json`, content: Buffer.from(jsonOf(answer, 2)) };
    yield { name: `data.${language}.html`, content: dataPage(accountId, cipher, language) };
  }
  for (const row of GIVEN_CLASSES) yield { name: fileOf(row), content: classJson(row, accountId, cipher) };
}
