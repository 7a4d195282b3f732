import { AppError } from '../errors.ts';
import type { ManifestClass, PrivacyRequestDocument, UnlawfulGround } from '../models/privacy-request.ts';
import type { Block, Paper } from '../papers/paper.ts';
import { BLANK, type Operator, operatorLine, paperDate } from './operator.ts';
import { termsOf } from './request-terms.ts';
import { categoryIn, normIn } from './russian-norms.ts';

/** What is written to a data subject: that the term is longer, that the request is refused, or what was done. */

export const LETTER_KINDS = ['extension', 'refusal', 'completion'] as const;
export type LetterKind = (typeof LETTER_KINDS)[number];
type Language = Paper['language'];

type Words = Record<
  | 'subject'
  | 'received'
  | 'norm'
  | 'operator'
  | 'date'
  | 'refusal'
  | 'reason'
  | 'remedy'
  | 'done'
  | 'retained'
  | 'told'
  | 'toTell'
  | 'signed'
  | 'to'
  | 'toSubject'
  | 'toRepresentative',
  string
> & {
  titles: Record<LetterKind, string>;
  extension: (until: string) => string;
  erased: (act: string) => string;
  head: readonly string[];
  grounds: Record<UnlawfulGround, string>;
};

const RU: Words = {
  titles: {
    extension: 'Уведомление о продлении срока ответа',
    refusal: 'Мотивированный отказ',
    completion: 'Уведомление об исполнении обращения',
  },
  subject: 'Обращение',
  received: 'Получено',
  norm: 'Основание',
  operator: 'Оператор',
  date: 'Дата письма',
  extension: (until: string) =>
    `Срок ответа на ваше обращение продлён на пять рабочих дней. Ответ будет дан до ${until} включительно.`,
  refusal: 'В исполнении обращения отказано.',
  reason: 'Причина:',
  remedy: 'Вы вправе обжаловать это решение в Роскомнадзор или в суд.',
  erased: (act: string) => `Ваши персональные данные уничтожены. Составлен акт об уничтожении № ${act}.`,
  done: 'Ваше обращение исполнено.',
  told: 'О вашем обращении уведомлены те, кому передавались данные:',
  toTell: 'Будут уведомлены и те, кому передавались данные:',
  retained: 'Закон обязывает сохранить часть данных. Они хранятся обособленно и только для указанной цели:',
  head: ['Что хранится', 'Норма', 'До какого срока'],
  signed: 'От имени оператора:',
  to: 'Кому',
  toSubject: 'субъекту персональных данных',
  toRepresentative: 'законному представителю субъекта персональных данных',
  grounds: {
    minor:
      'Данные несовершеннолетнего обрабатывались без согласия законного представителя. Обработка прекращена, данные уничтожены.',
    proven_by_subject:
      'Подтвердилось, что данные получены незаконно или не нужны для заявленной цели. Обработка прекращена, данные уничтожены.',
    found_by_operator:
      'Оператор выявил, что данные обрабатывались неправомерно и обеспечить правомерность невозможно. Обработка прекращена, данные уничтожены.',
  },
};

const EN: Words = {
  titles: {
    extension: 'Notice of a longer term',
    refusal: 'Reasoned refusal',
    completion: 'Notice of completion',
  },
  subject: 'Request',
  received: 'Received',
  norm: 'Ground',
  operator: 'Operator',
  date: 'Date of this letter',
  extension: (until: string) =>
    `The term for the answer to your request is five working days longer. The answer comes by ${until} at the latest.`,
  refusal: 'Your request is refused.',
  reason: 'Reason:',
  remedy: 'You may complain about this decision to Roskomnadzor or to a court.',
  erased: (act: string) => `Your personal data has been destroyed. The act of destruction is No. ${act}.`,
  done: 'Your request has been carried out.',
  told: 'Those who got the data have been told:',
  toTell: 'These got data as well and will be told:',
  retained: 'The law obliges us to keep a part. It is kept apart, and for this purpose only:',
  head: ['What is kept', 'Norm', 'Until'],
  signed: 'For the operator:',
  to: 'To',
  toSubject: 'the data subject',
  toRepresentative: 'the legal representative of the data subject',
  grounds: {
    minor:
      'Data of a minor was processed without the consent of a legal representative. It is no longer processed and has been destroyed.',
    proven_by_subject:
      'The data was obtained unlawfully or is not needed for the stated purpose. It is no longer processed and has been destroyed.',
    found_by_operator:
      'The operator found that the data was processed unlawfully and that this cannot be made lawful. It is no longer processed and has been destroyed.',
  },
};

const WORDS: Readonly<Record<Language, Words>> = { ru: RU, en: EN };

/** The letters that a request in its present state gives reason for. */
export function lettersOf({ state, extendedAt }: Pick<PrivacyRequestDocument, 'state' | 'extendedAt'>): LetterKind[] {
  return [
    ...(extendedAt ? (['extension'] as const) : []),
    ...(state === 'refused' ? (['refusal'] as const) : []),
    ...(state === 'completed' || state === 'completed_with_retained' ? (['completion'] as const) : []),
  ];
}

function noteOf({ history }: PrivacyRequestDocument, event: string): string {
  return history.findLast((entry) => entry.event === event)?.note ?? BLANK;
}

function retainedTable(retained: readonly ManifestClass[], language: Language): Block[] {
  if (retained.length === 0) return [];
  const words = WORDS[language];
  const rows = retained.map(({ classId, norm = '', until = '' }) => [
    categoryIn(language, classId),
    normIn(language, norm),
    normIn(language, until),
  ]);
  return [
    { kind: 'text', text: words.retained },
    { kind: 'table', head: words.head, widths: [2, 3, 2], rows },
  ];
}

/** Recipients that were told, with the day; and those whose turn is still to come, because an erasure does not wait for it. */
function toldLines({ notices = [] }: PrivacyRequestDocument, language: Language): Block[] {
  const words = WORDS[language];
  const told = notices.flatMap(({ recipient, sentAt }) =>
    sentAt ? [`${recipient} (${paperDate(sentAt, language)})`] : [],
  );
  const owed = notices.flatMap(({ recipient, sentAt }) => (sentAt ? [] : [recipient]));
  const line = (text: string, names: readonly string[]): Block[] =>
    names.length === 0 ? [] : [{ kind: 'text', text: `${text} ${names.join(', ')}.` }];
  return [...line(words.told, told), ...line(words.toTell, owed)];
}

function body(kind: LetterKind, request: PrivacyRequestDocument, language: Language): Block[] {
  const words = WORDS[language];
  const reasoned = (text: string, event: string): Block[] => [
    { kind: 'text', text },
    { kind: 'text', text: `${words.reason} ${noteOf(request, event)}` },
    { kind: 'text', text: words.remedy },
  ];
  if (kind === 'extension') return reasoned(words.extension(paperDate(request.dueAt, language)), 'extend');
  if (kind === 'refusal') return reasoned(words.refusal, 'refuse');
  const { actNumber, retained = [], ground } = request;
  const text = actNumber === undefined ? words.done : words.erased(String(actNumber));
  // What was answered, where nothing was destroyed.
  const answer: Block[] = actNumber === undefined ? [{ kind: 'text', text: noteOf(request, 'complete') }] : [];
  const why: Block[] = ground === undefined ? [] : [{ kind: 'text', text: words.grounds[ground] }];
  return [
    ...why,
    { kind: 'text', text },
    ...answer,
    ...toldLines(request, language),
    ...retainedTable(retained, language),
  ];
}

/**
 * The letter as a paper. It names the request and not the person: the address is written by whoever sends it.
 * @throws `state_conflict` when the request gives no reason for such a letter.
 */
export function letterPaper(
  kind: LetterKind,
  request: PrivacyRequestDocument,
  operator: Operator,
  { language, at }: { language: Language; at: Date },
): Paper {
  if (!lettersOf(request).includes(kind))
    throw new AppError('state_conflict', { message: `A request that is ${request.state} has no letter "${kind}".` });
  const words = WORDS[language];
  return {
    language,
    title: words.titles[kind],
    subtitle: request._id,
    blocks: [
      {
        kind: 'facts',
        facts: [
          [words.operator, operatorLine(operator, language)],
          [words.to, request.identity?.kind === 'representative' ? words.toRepresentative : words.toSubject],
          [words.subject, request._id],
          [words.received, paperDate(request.receivedAt, language)],
          [words.norm, normIn(language, termsOf(request).norm)],
          [words.date, paperDate(at, language)],
        ],
      },
      ...body(kind, request, language),
      { kind: 'signature', label: words.signed, who: operator.executor || BLANK },
    ],
    footer: `${words.titles[kind]} · ${request._id}`,
  };
}
