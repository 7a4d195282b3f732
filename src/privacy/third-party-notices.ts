import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { type Notice, PrivacyRequest, type PrivacyRequestDocument } from '../models/privacy-request.ts';
import type { Paper } from '../papers/paper.ts';
import { BLANK, type Operator, operatorLine, paperDate } from './operator.ts';
import { countryIn } from './policy-content.ts';
import { type Recipient, recipientsOf } from './recipients.ts';
import { type NoticeCause, REQUEST_TERMS } from './request-terms.ts';
import { normIn } from './russian-norms.ts';

/**
 * What is owed to those who got a subject's data when it is corrected, restricted or destroyed (152-FZ art. 20(3)): one
 * notice for each, in the request's own row, so that it goes with the request and blocks its completion.
 */

type Language = Paper['language'];

const NORM = '152-FZ art. 20(3)';
const store = () => nativeCollection<PrivacyRequestDocument>(PrivacyRequest);

/** Recipients of one name are told once, wherever they were reached. */
function noticesFor(recipients: readonly Recipient[], dueAt: Date): Notice[] {
  const byName = new Map<string, Notice>();
  for (const { providerId, country, transfers, first, last } of recipients) {
    const known = byName.get(providerId);
    byName.set(providerId, {
      recipient: providerId,
      countries: [...(known?.countries ?? []), country],
      transfers: (known?.transfers ?? 0) + transfers,
      first: known && known.first < first ? known.first : first,
      last: known && known.last > last ? known.last : last,
      dueAt,
      state: 'owed',
    });
  }
  return [...byName.values()].sort((a, b) => (a.recipient < b.recipient ? -1 : 1));
}

/** Writes down whom a request's outcome has to be told; once, however often it is asked for. */
export async function oweNotices(request: PrivacyRequestDocument): Promise<Pick<PrivacyRequestDocument, 'notices'>> {
  const { _id, type, accountId, dueAt, notices } = request;
  if (REQUEST_TERMS[type].notice === undefined || notices) return request;
  const owed = noticesFor(await recipientsOf(accountId), dueAt);
  await store().updateOne({ _id, notices: { $exists: false } }, { $set: { notices: owed } });
  return (await store().findOne({ _id }, { projection: { notices: 1 } })) ?? {};
}

/** How many recipients have not been told yet. */
export function owedNotices({ notices = [] }: Pick<PrivacyRequestDocument, 'notices'>): number {
  return notices.filter(({ state }) => state === 'owed').length;
}

/** @throws `state_conflict` while somebody has not been told. */
export function refuseWhileOwed(request: Pick<PrivacyRequestDocument, 'notices'>): void {
  const names = (request.notices ?? []).filter(({ state }) => state === 'owed').map(({ recipient }) => recipient);
  if (names.length === 0) return;
  throw new AppError('state_conflict', { message: `Recipients have to be told first: ${names.join(', ')}.` });
}

/**
 * Notes that a recipient was told, or has answered.
 * @throws `not_found` for the recipient, `state_conflict` when it is not so far or noted already.
 */
export async function noteNotice(requestId: string, recipient: string, step: 'sent' | 'answered', by: string) {
  const request = await store().findOne({ _id: requestId });
  if (!request?.notices?.some((one) => one.recipient === recipient))
    throw new AppError('not_found', { message: 'No notice is owed to this recipient.', param: 'recipient' });
  const [from, at] = step === 'sent' ? (['owed', 'sentAt'] as const) : (['sent', 'answeredAt'] as const);
  const now = new Date();
  const { modifiedCount } = await store().updateOne(
    { _id: requestId, notices: { $elemMatch: { recipient, state: from } } },
    {
      $set: { 'notices.$.state': step, [`notices.$.${at}`]: now },
      $push: { history: { at: now, by, event: `notice_${step}`, state: request.state, note: recipient } },
    } as never,
  );
  if (modifiedCount === 0)
    throw new AppError('state_conflict', { message: `The notice to ${recipient} is not ${from}.` });
}

const WORDS = {
  ru: {
    title: 'Уведомление лица, которому переданы персональные данные',
    to: 'Кому',
    from: 'Оператор',
    request: 'Обращение субъекта',
    norm: 'Основание',
    date: 'Дата',
    signed: 'От имени оператора:',
    passed: (notice: Notice, names: string) =>
      `С ${paperDate(notice.first)} по ${paperDate(notice.last)} вам переданы тексты запросов одного клиента (обращений к вашему сервису: ${notice.transfers}; страна: ${names}).`,
    causes: {
      erasure:
        'Персональные данные этого субъекта у нас уничтожены. Просим уничтожить всё, что из переданного у вас сохранилось, и сообщить об этом.',
      correction:
        'Персональные данные этого субъекта у нас уточнены. Просим не использовать прежние и уничтожить их, если они у вас сохранились, и сообщить об этом.',
      restriction:
        'Обработка персональных данных этого субъекта у нас остановлена. Просим прекратить обработку переданного, если оно у вас сохранилось, и сообщить об этом.',
    },
  },
  en: {
    title: 'Notice to a recipient of personal data',
    to: 'To',
    from: 'Operator',
    request: 'Request of the subject',
    norm: 'Ground',
    date: 'Date',
    signed: 'For the operator:',
    passed: (notice: Notice, names: string) =>
      `From ${paperDate(notice.first, 'en')} to ${paperDate(notice.last, 'en')} you were sent texts of one customer’s requests (calls of your service: ${notice.transfers}; country: ${names}).`,
    causes: {
      erasure:
        'We have destroyed the personal data of this subject. Please destroy what you still have of it, and tell us.',
      correction:
        'We have corrected the personal data of this subject. Please do not use what you had before, destroy it if you still have it, and tell us.',
      restriction:
        'We have stopped processing the personal data of this subject. Please stop processing what you still have of it, and tell us.',
    },
  },
} as const;

/** What a recipient is told. It names no subject: nobody has ever been named to the recipient. */
export function noticeText(notice: Notice, cause: NoticeCause, language: Language): string {
  const words = WORDS[language];
  const names = notice.countries.map((code) => countryIn(language, code)).join(', ');
  return `${words.passed(notice, names)} ${words.causes[cause]}`;
}

/** The notice as a paper to send. @throws `not_found` for the recipient. */
export function noticePaper(
  { _id, type, notices = [] }: PrivacyRequestDocument,
  recipient: string,
  operator: Operator,
  { language, at }: { language: Language; at: Date },
): Paper {
  const notice = notices.find((one) => one.recipient === recipient);
  const cause = REQUEST_TERMS[type].notice;
  if (!notice || !cause)
    throw new AppError('not_found', { message: 'No notice is owed to this recipient.', param: 'recipient' });
  const words = WORDS[language];
  return {
    language,
    title: words.title,
    subtitle: _id,
    blocks: [
      {
        kind: 'facts',
        facts: [
          [words.to, recipient],
          [words.from, operatorLine(operator, language)],
          [words.request, _id],
          [words.norm, normIn(language, NORM)],
          [words.date, paperDate(at, language)],
        ],
      },
      { kind: 'text', text: noticeText(notice, cause, language) },
      { kind: 'signature', label: words.signed, who: operator.executor || BLANK },
    ],
    footer: `${words.title} · ${_id}`,
  };
}
