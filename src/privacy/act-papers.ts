import type { DestructionActDocument, DestructionEventDocument } from '../models/destruction.ts';
import type { Block, Paper } from '../papers/paper.ts';
import { renderPdf } from '../papers/pdf.ts';
import { eventsOf, extractLine } from './destruction-acts.ts';
import { BLANK, type Operator, operatorLine, paperDate, paperMoment } from './operator.ts';
import { categoryIn, normIn } from './russian-norms.ts';

/**
 * An act of destruction and the extract from the event log as RKN Order 179 wants them: p. 3 and p. 5, every item by its
 * letter. In Russian, because that is the law's language.
 */

/** A retention run may have destroyed rows of very many subjects; the file beside the paper lists them all. */
const EXTRACT_ROWS_MAX = 1_000;
const SUBJECTS_SHOWN_MAX = 3;

type Facts = Extract<Block, { kind: 'facts' }>['facts'];

function subjectsText({ accountId, subjects, _id }: DestructionActDocument): string {
  if (accountId !== undefined) return `субъект, которому принадлежит учётная запись ${accountId}`;
  return `субъекты: ${subjects}; номера их учётных записей приведены в выгрузке № ${_id}`;
}

/** The items of p. 3, in the order and by the letters of the order. */
export function actFacts(act: DestructionActDocument, operator: Operator): Facts {
  return [
    ['а) Оператор: наименование и адрес', operatorLine(operator)],
    ['б) Лица, обрабатывающие данные по поручению оператора', operator.processors || 'не привлекались'],
    ['в) Субъекты, чьи данные уничтожены', subjectsText(act)],
    ['г) Лицо, уничтожившее данные: ФИО, должность', operator.executor || BLANK],
    ['д) Категории уничтоженных данных', act.categories.map(({ category }) => category).join('; ')],
    ['е) Материальные носители, число листов', 'не применяется: обработка только автоматизированная'],
    ['ж) Информационные системы', act.systems.join(', ')],
    ['з) Способ уничтожения', act.method],
    ['и) Причина уничтожения', normIn('ru', act.reason)],
    ['к) Дата уничтожения', paperMoment(act.destroyedAt)],
  ];
}

function actPaper(act: DestructionActDocument, operator: Operator): Paper {
  const unsure = `Записей журнала без подтверждения: ${act.unconfirmed}. Указанные в них данные могли быть уничтожены до сбоя.`;
  return {
    language: 'ru',
    title: `Акт № ${act._id} об уничтожении персональных данных`,
    subtitle: `${paperDate(act.destroyedAt)} · приказ Роскомнадзора от 28.10.2022 № 179, п. 3`,
    blocks: [
      { kind: 'facts', facts: actFacts(act, operator) },
      { kind: 'heading', text: 'Сколько записей уничтожено' },
      {
        kind: 'table',
        head: ['Категория', 'Записей'],
        widths: [4, 1],
        rows: act.categories.map(({ category, count }) => [category, String(count)]),
      },
      ...(act.unconfirmed > 0 ? [{ kind: 'text', text: unsure } as const] : []),
      {
        kind: 'text',
        text: `К акту прилагается выгрузка № ${act._id} из журнала регистрации событий (записей: ${act.events}). Акт и выгрузка хранятся три года с даты уничтожения.`,
      },
      { kind: 'signature', label: 'Данные уничтожил(а):', who: operator.executor || BLANK },
      {
        kind: 'facts',
        facts: [
          ['SHA-256 выгрузки', act.extractHash],
          ['SHA-256 предыдущего акта', act.previousHash || 'нет: это первый акт'],
          ['SHA-256 акта', act.hash],
        ],
      },
    ],
    footer: `Акт № ${act._id} об уничтожении персональных данных`,
  };
}

function subjectsOf({ subjects }: DestructionEventDocument): string {
  const shown = subjects.slice(0, SUBJECTS_SHOWN_MAX).map(({ accountId }) => accountId);
  const more = subjects.length - shown.length;
  return more > 0 ? `${shown.join(', ')} и ещё ${more}` : shown.join(', ');
}

function eventRow(event: DestructionEventDocument): string[] {
  return [
    paperMoment(event.at),
    categoryIn('ru', event.classId),
    subjectsOf(event),
    event.isConfirmed ? String(event.count) : 'не подтверждено',
  ];
}

async function extractPaper(act: DestructionActDocument, operator: Operator): Promise<Paper> {
  const rows: string[][] = [];
  for await (const event of eventsOf(act.causeId, Math.min(act.events, EXTRACT_ROWS_MAX))) rows.push(eventRow(event));
  const rest = `Показаны первые ${EXTRACT_ROWS_MAX} записей из ${act.events}; все записи — в файле выгрузки.`;
  return {
    language: 'ru',
    title: `Выгрузка № ${act._id} из журнала регистрации событий`,
    subtitle: 'информационной системы персональных данных · приказ Роскомнадзора от 28.10.2022 № 179, п. 5',
    blocks: [
      {
        kind: 'facts',
        facts: [
          ['Оператор', operatorLine(operator)],
          ['а) Субъекты', subjectsText(act)],
          ['б) Категории уничтоженных данных', act.categories.map(({ category }) => category).join('; ')],
          ['в) Информационная система', act.systems.join(', ')],
          ['г) Причина уничтожения', normIn('ru', act.reason)],
          ['д) Дата уничтожения', paperMoment(act.destroyedAt)],
          ['SHA-256 файла выгрузки', act.extractHash],
        ],
      },
      { kind: 'table', head: ['Время', 'Категория', 'Субъекты', 'Записей'], widths: [1.3, 2.4, 2.4, 1], rows },
      ...(act.events > EXTRACT_ROWS_MAX ? [{ kind: 'text', text: rest } as const] : []),
    ],
    footer: `Выгрузка № ${act._id} из журнала регистрации событий`,
  };
}

/** The act as JSON: its row, by which the chain is checked, and the items of p. 3 in words. */
export function actJson(act: DestructionActDocument, operator: Operator): string {
  return `${JSON.stringify({ act, items: Object.fromEntries(actFacts(act, operator)) }, undefined, 2)}\n`;
}

/** The whole extract, an event a line; its SHA-256 is the act's `extractHash`. */
export async function* extractLines({ causeId, events }: DestructionActDocument): AsyncGenerator<string> {
  for await (const event of eventsOf(causeId, events)) yield extractLine(event);
}

export const ACT_FILES = ['act.pdf', 'act.json', 'extract.pdf', 'extract.ndjson'] as const;
export type ActFile = (typeof ACT_FILES)[number];

const MAKERS: Readonly<
  Record<ActFile, readonly [type: string, make: (act: DestructionActDocument, operator: Operator) => Promise<Content>]>
> = {
  'act.pdf': ['application/pdf', (act, operator) => renderPdf(actPaper(act, operator))],
  'act.json': ['application/json', async (act, operator) => Buffer.from(actJson(act, operator))],
  'extract.pdf': ['application/pdf', async (act, operator) => renderPdf(await extractPaper(act, operator))],
  'extract.ndjson': ['application/x-ndjson', async (act) => extractLines(act)],
};

type Content = Buffer | AsyncIterable<string>;
export type PaperFile = { name: string; mediaType: string; content: Content };

/** One of the files of an act, named by its number: `act-7.pdf`. */
export async function actFile(act: DestructionActDocument, file: ActFile, operator: Operator): Promise<PaperFile> {
  const [mediaType, make] = MAKERS[file];
  return { name: file.replace('.', `-${act._id}.`), mediaType, content: await make(act, operator) };
}

/** All files of an act, made one after the other. */
export async function* actFiles(act: DestructionActDocument, operator: Operator): AsyncGenerator<PaperFile> {
  for (const file of ACT_FILES) yield actFile(act, file, operator);
}
