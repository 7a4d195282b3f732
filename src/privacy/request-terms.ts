import type { PrivacyRequestDocument, PrivacyRequestType } from '../models/privacy-request.ts';
import { addCalendarDays, addWorkingDays, type Due, type ProductionYear } from './calendar.ts';

/** What recipients of the data are told when a request is carried out. */
export type NoticeCause = 'erasure' | 'correction' | 'restriction';

/** The seven kinds of requests of data subjects: on which norm, in which term, and what happens at once. */
export type RequestTerms = {
  norm: string;
  days: number;
  unit: 'working' | 'calendar';
  /** Working days that a reasoned notice to the subject adds; 0 where the law knows no extension. */
  extensionDays: 0 | 5;
  /** Processing stops while the request is looked at: the account takes no new requests. */
  blocks: boolean;
  /** It ends in a destruction, with manifest, approval and act. */
  erases: boolean;
  /** Those who got the data have to be told (152-FZ art. 20(3)), and of what. */
  notice?: NoticeCause;
  /** The subject has a day to think better of it. What is unlawful is not waited for. */
  coolsOff: boolean;
};

const working = (norm: string, days: number, rest: Partial<RequestTerms> = {}): RequestTerms => ({
  norm,
  days,
  unit: 'working',
  extensionDays: 0,
  blocks: false,
  erases: false,
  coolsOff: false,
  ...rest,
});

export const REQUEST_TERMS: Readonly<Record<PrivacyRequestType, RequestTerms>> = {
  access: working('152-FZ art. 14, 20(1)', 10, { extensionDays: 5 }),
  rectify: working('152-FZ art. 20(3), 21(2)', 7, { notice: 'correction' }),
  block: working('152-FZ art. 21(1)', 0, { blocks: true, notice: 'restriction' }),
  stop_processing: working('152-FZ art. 21(5.1)', 10, { extensionDays: 5, blocks: true, notice: 'restriction' }),
  withdraw_consent: working('152-FZ art. 9(2), 21(5)', 30, { unit: 'calendar' }),
  erase_account: working('152-FZ art. 21(4)', 30, {
    unit: 'calendar',
    blocks: true,
    erases: true,
    coolsOff: true,
    notice: 'erasure',
  }),
  erase_unlawful: working('152-FZ art. 20(3), 21(3)', 7, { blocks: true, erases: true, notice: 'erasure' }),
};

/** What the operator has found itself, or cannot make lawful: more time than a subject's proof gives. */
const FOUND = working('152-FZ art. 21(3)', 10, { blocks: true, erases: true, notice: 'erasure' });

/** Which kind of request it is, as far as its terms depend on it. */
export type RequestKind = Pick<PrivacyRequestDocument, 'type' | 'ground'>;

/** The terms of one request: those of its kind, or of the ground on which staff have opened it. */
export function termsOf({ type, ground }: RequestKind): RequestTerms {
  return ground === 'minor' || ground === 'found_by_operator' ? FOUND : REQUEST_TERMS[type];
}

/** When a request that came on a Moscow date is due at the latest. */
export function dueOf(kind: RequestKind, from: string, years: readonly ProductionYear[], isExtended = false): Due {
  const { days, unit, extensionDays } = termsOf(kind);
  if (unit === 'calendar') return addCalendarDays(from, days);
  return addWorkingDays(from, days + (isExtended ? extensionDays : 0), years);
}
