import type { Model } from 'mongoose';
import { can, type Permission } from '../../auth/roles.ts';
import { Account, type AccountDocument } from '../../models/account.ts';
import { Adjustment, type AdjustmentDocument } from '../../models/adjustment.ts';
import { ApiKey, type ApiKeyDocument } from '../../models/api-key.ts';
import { AuditEntry, type AuditEntryDocument } from '../../models/audit-entry.ts';
import { nativeCollection } from '../../models/connect.ts';
import { PrivacyRequest, type PrivacyRequestDocument } from '../../models/privacy-request.ts';
import { Request, type RequestDocument } from '../../models/request.ts';
import type { StaffRole } from '../../models/staff.ts';
import { SuspensionRequest, type SuspensionRequestDocument } from '../../models/suspension-request.ts';
import { Ticket, type TicketDocument } from '../../models/ticket.ts';
import { formatRub } from '../../money.ts';
import type { BothWords } from './fields.ts';
import type { PanelField } from './spec.ts';
import { MONEY_WORDS } from './words/money.ts';
import { PRIVACY_WORDS } from './words/privacy.ts';

/** What has happened to an account, newest first, made of rows that there are anyway. Of each kind a role sees what its own lists show. */

const EVENTS_MAX = 50;
const READ_TIMEOUT_MS = 3_000;
const SHOWN_STATUS_CHANGES = new Map<string, BothWords>([
  ['accounts.suspend', { ru: 'аккаунт приостановлен', en: 'account suspended' }],
  ['accounts.activate', { ru: 'аккаунт возобновлён', en: 'account let go on' }],
  ['accounts.release', { ru: 'аккаунт разморожен', en: 'account released' }],
]);

type Event = { at: Date; words: BothWords };

/** Nothing for what has not happened. */
function event(at: Date | undefined, words: BothWords, ...details: (string | undefined)[]): Event[] {
  if (!at) return [];
  const written = (word: string) => [word, ...details.filter((detail) => detail !== undefined)].join('  ');
  return [{ at, words: { ru: written(words.ru), en: written(words.en) } }];
}

/** The newest rows of an account, with these members only. */
function newest<T extends { accountId: string }>(
  model: Pick<Model<T>, 'collection'>,
  accountId: string,
  members: readonly (keyof T & string)[],
): Promise<T[]> {
  const projection = Object.fromEntries(members.map((name) => [name, 1]));
  const found = nativeCollection<T>(model).find({ accountId } as never, { projection, maxTimeMS: READ_TIMEOUT_MS });
  return found.sort({ _id: -1 }).limit(EVENTS_MAX).toArray() as Promise<T[]>;
}

async function opening(accountId: string): Promise<Event[]> {
  const accounts = nativeCollection<AccountDocument>(Account);
  const account = await accounts.findOne({ _id: accountId }, { projection: { createdAt: 1 } });
  return event(account?.createdAt, { ru: 'аккаунт заведён', en: 'account made' });
}

async function suspensions(accountId: string): Promise<Event[]> {
  const members = ['createdAt', 'state', 'decidedAt'] as const;
  const rows = await newest<SuspensionRequestDocument>(SuspensionRequest, accountId, members);
  return rows.flatMap(({ _id, createdAt, state, decidedAt }) => [
    ...event(createdAt, { ru: 'просьба о приостановке', en: 'suspension asked for' }, _id),
    ...event(
      decidedAt,
      state === 'granted'
        ? { ru: 'приостановлен по просьбе', en: 'suspended as asked' }
        : { ru: 'в приостановке отказано', en: 'suspension declined' },
      _id,
    ),
  ]);
}

async function statusChanges(accountId: string): Promise<Event[]> {
  const entries = await nativeCollection<AuditEntryDocument>(AuditEntry)
    .find(
      { targetId: accountId, outcome: 'done', action: { $in: [...SHOWN_STATUS_CHANGES.keys()] } },
      { projection: { at: 1, action: 1 }, maxTimeMS: READ_TIMEOUT_MS },
    )
    .sort({ _id: -1 })
    .limit(EVENTS_MAX)
    .toArray();
  return entries.flatMap(({ at, action }) => {
    const words = SHOWN_STATUS_CHANGES.get(action);
    return words ? event(at, words) : [];
  });
}

async function keys(accountId: string): Promise<Event[]> {
  const rows = await newest<ApiKeyDocument>(ApiKey, accountId, ['createdAt', 'revokedAt']);
  return rows.flatMap(({ _id, createdAt, revokedAt }) => [
    ...event(createdAt, { ru: 'ключ создан', en: 'key made' }, _id),
    ...event(revokedAt, { ru: 'ключ отозван', en: 'key revoked' }, _id),
  ]);
}

async function adjustments(accountId: string): Promise<Event[]> {
  const members = ['amountMicros', 'requestId', 'state', 'proposedAt', 'decidedAt', 'finishedAt'] as const;
  const rows = await newest<AdjustmentDocument>(Adjustment, accountId, members);
  return rows.flatMap(({ _id, amountMicros, requestId, state, proposedAt, decidedAt, finishedAt }) => {
    const proposed =
      requestId === undefined
        ? { ru: 'предложена корректировка', en: 'adjustment proposed' }
        : { ru: 'предложен возврат', en: 'refund proposed' };
    const { ru, en } = MONEY_WORDS;
    const ended = {
      ru: `корректировка ${ru.labels.adjustmentState[state]}`,
      en: `adjustment ${en.labels.adjustmentState[state]}`,
    };
    const details = [`${formatRub(amountMicros)} ₽`, _id];
    return [...event(proposedAt, proposed, ...details), ...event(finishedAt ?? decidedAt, ended, ...details)];
  });
}

async function tickets(accountId: string): Promise<Event[]> {
  const rows = await newest<TicketDocument>(Ticket, accountId, ['createdAt', 'closedAt']);
  return rows.flatMap(({ _id, createdAt, closedAt }) => [
    ...event(createdAt, { ru: 'обращение открыто', en: 'ticket opened' }, _id),
    ...event(closedAt, { ru: 'обращение решено', en: 'ticket resolved' }, _id),
  ]);
}

async function privacyRequests(accountId: string): Promise<Event[]> {
  const members = ['type', 'state', 'receivedAt', 'closedAt'] as const;
  const rows = await newest<PrivacyRequestDocument>(PrivacyRequest, accountId, members);
  return rows.flatMap(({ _id, type, state, receivedAt, closedAt }) => {
    const [ru, en] = [PRIVACY_WORDS.ru.labels, PRIVACY_WORDS.en.labels];
    const [asked, ended] = [
      { ru: `запрос субъекта: ${ru.subjectType[type]}`, en: `data subject’s request: ${en.subjectType[type]}` },
      { ru: `запрос субъекта: ${ru.subjectState[state]}`, en: `data subject’s request: ${en.subjectState[state]}` },
    ];
    return [...event(receivedAt, asked, _id), ...event(closedAt, ended, _id)];
  });
}

/** A line for each day (UTC) on which the last requests came. */
async function requestDays(accountId: string): Promise<Event[]> {
  const rows = await newest<RequestDocument>(Request, accountId, ['createdAt']);
  const dayOf = ({ createdAt }: RequestDocument) => createdAt.toISOString().slice(0, 10);
  const days = [...new Set(rows.map(dayOf))];
  return days.flatMap((day, index) => {
    const same = rows.filter((row) => dayOf(row) === day);
    const isCutOff = rows.length === EVENTS_MAX && index === days.length - 1;
    const count = `${same.length}${isCutOff ? '+' : ''}`;
    return event(same[0]?.createdAt, { ru: `запросов за день: ${count}`, en: `requests of the day: ${count}` });
  });
}

const SOURCES: readonly (readonly [Permission, (accountId: string) => Promise<Event[]>])[] = [
  ['accounts.read', opening],
  ['accounts.read', suspensions],
  ['accounts.read', statusChanges],
  ['keys.read', keys],
  ['money.read', adjustments],
  ['tickets.read', tickets],
  ['privacy-requests.read', privacyRequests],
  ['requests.read', requestDays],
];

/** The newest events that the role may see, as lines in both languages. */
export async function accountTimeline(accountId: string, role: StaffRole): Promise<BothWords> {
  const shown = SOURCES.filter(([permission]) => can(role, permission));
  const events = (await Promise.all(shown.map(([, read]) => read(accountId)))).flat();
  const latest = events.sort((one, other) => other.at.getTime() - one.at.getTime()).slice(0, EVENTS_MAX);
  const lines = (language: 'ru' | 'en') =>
    latest.map(({ at, words }) => `${at.toISOString()}  ${words[language]}`).join('\n');
  return { ru: lines('ru'), en: lines('en') };
}

/** Read for the account's own page only. */
export const TIMELINE: PanelField = {
  name: 'timeline',
  paths: ['_id'],
  type: 'words',
  value: () => undefined,
  opened: async ({ _id }, _cipher, role) => JSON.stringify(await accountTimeline(String(_id), role)),
};
