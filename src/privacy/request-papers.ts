import { Readable } from 'node:stream';
import type { PrivacyRequestDocument } from '../models/privacy-request.ts';
import type { Paper } from '../papers/paper.ts';
import { renderPdf } from '../papers/pdf.ts';
import { type ZipEntry, zipOf } from '../papers/zip.ts';
import { LETTER_KINDS, type LetterKind, letterPaper, lettersOf } from './letters.ts';
import type { Operator } from './operator.ts';
import { noticePaper } from './third-party-notices.ts';

/** The papers of a data subject's request as files: letters to the subject, and notices to those who got the data. */

type Language = Paper['language'];
type Making = { operator: Operator; language: Language; at: Date };

export const LANGUAGES = ['ru', 'en'] as const;

/** All files that a request can have. Notices are one file, because there is one for each recipient. */
export const REQUEST_FILES = [
  ...LETTER_KINDS.flatMap((kind) => LANGUAGES.map((language) => `${kind}.${language}.pdf` as const)),
  ...LANGUAGES.map((language) => `notices.${language}.zip` as const),
];
export type RequestFile = (typeof REQUEST_FILES)[number];

/** Those that it gives reason for as it stands now. */
export function requestFiles(request: Pick<PrivacyRequestDocument, 'state' | 'extendedAt' | 'notices'>): RequestFile[] {
  const kinds = new Set<string>(lettersOf(request));
  if (request.notices && request.notices.length > 0) kinds.add('notices');
  return REQUEST_FILES.filter((file) => kinds.has(file.split('.', 1)[0] ?? ''));
}

/** Letters of a request in one language, by their kind. */
export function* letterPapers(
  request: PrivacyRequestDocument,
  { operator, ...how }: Making,
): Generator<[LetterKind, Paper]> {
  for (const kind of lettersOf(request)) yield [kind, letterPaper(kind, request, operator, how)];
}

/** Notices of a request in one language, by their recipient as a file's name. */
export function* noticePapers(
  request: PrivacyRequestDocument,
  { operator, ...how }: Making,
): Generator<[string, Paper]> {
  for (const { recipient } of request.notices ?? [])
    yield [recipient.replaceAll(/[^\w-]/g, '_'), noticePaper(request, recipient, operator, how)];
}

async function* noticeFiles(request: PrivacyRequestDocument, making: Making): AsyncGenerator<ZipEntry> {
  for (const [name, paper] of noticePapers(request, making))
    yield { name: `${name}.${making.language}.pdf`, content: await renderPdf(paper) };
}

/**
 * One of the files, named by the request as well.
 * @throws `state_conflict` for a letter that the request gives no reason for.
 */
export async function requestFile(request: PrivacyRequestDocument, file: RequestFile, operator: Operator, at: Date) {
  const [kind, language] = file.split('.') as [LetterKind | 'notices', Language];
  const name = `${request._id}-${file}`;
  const making = { operator, language, at };
  if (kind === 'notices')
    return { name, mediaType: 'application/zip', content: zipOf(noticeFiles(request, making), at) };
  const pdf = await renderPdf(letterPaper(kind, request, operator, making));
  return { name, mediaType: 'application/pdf', content: Readable.from([pdf]) };
}
