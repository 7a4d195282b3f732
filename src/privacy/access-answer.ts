import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { PRIVACY_REQUEST_TYPES, type PrivacyRequestDocument } from '../models/privacy-request.ts';
import type { Block, Paper } from '../papers/paper.ts';
import { ACCESS_WORDS } from './access-words.ts';
import { type Operator, paperDate, paperMoment } from './operator.ts';
import { CUSTOMER_CLASSES, countryIn, policyFacts } from './policy-content.ts';
import { RIGHTS as EN_RIGHTS } from './policy-en.ts';
import { RIGHTS as RU_RIGHTS } from './policy-ru.ts';
import { type Recipient, recipientsOf } from './recipients.ts';
import type { RetentionDefaults } from './retention-settings.ts';

/** The answer to a request of access: everything that 152-FZ art. 14(7) wants besides the data itself. */

export type AnswerSources = { operator: Operator; retentionDefaults: RetentionDefaults };
type Language = Paper['language'];

const HOME = 'RU';
const RIGHTS = { ru: RU_RIGHTS, en: EN_RIGHTS } as const;

const heading = (text: string): Block => ({ kind: 'heading', text });
const text = (words: string): Block => ({ kind: 'text', text: words });

function recipientBlocks(recipients: readonly Recipient[], language: Language): Block[] {
  const words = ACCESS_WORDS[language];
  if (recipients.length === 0) return [heading(words.recipients), text(words.noRecipients)];
  const rows = recipients.map(({ providerId, country, transfers, first, last }) => [
    providerId,
    countryIn(language, country),
    String(transfers),
    paperDate(first, language),
    paperDate(last, language),
  ]);
  return [
    heading(words.recipients),
    text(words.recipientsText),
    { kind: 'table', head: words.recipientsHead, rows, widths: [2, 2, 1, 2, 2] },
  ];
}

function borderBlocks(recipients: readonly Recipient[], isForbidden: boolean, language: Language): Block[] {
  const words = ACCESS_WORDS[language];
  const abroad = new Set(recipients.filter(({ country }) => country !== HOME).map(({ country }) => country));
  const names = [...abroad].map((code) => countryIn(language, code)).join(', ');
  return [
    heading(words.border),
    text(names === '' ? words.borderNone : `${words.borderDone} ${names}.`),
    text(isForbidden ? words.borderForbidden : words.borderPlanned),
  ];
}

function withheldBlocks(language: Language): Block[] {
  const words = ACCESS_WORDS[language];
  const names = CUSTOMER_CLASSES.filter(({ withheld }) => withheld === '*').map(({ category }) => category[language]);
  return [heading(words.withheld), text(`${words.withheldText} ${names.join('; ')}.`)];
}

/** The answer as a paper in one language. @param at when it is made. */
export async function accessAnswer(
  { _id, accountId, receivedAt }: PrivacyRequestDocument,
  { operator, retentionDefaults }: AnswerSources,
  { language, at }: { language: Language; at: Date },
): Promise<Paper> {
  const words = ACCESS_WORDS[language];
  const given = (value: string) => (value === '' ? words.notGiven : value);
  const [facts, recipients, account] = await Promise.all([
    policyFacts(language, { operator, retentionDefaults }),
    recipientsOf(accountId),
    nativeCollection<AccountDocument>(Account).findOne({ _id: accountId }, { projection: { privacy: 1 } }),
  ]);
  const rights = PRIVACY_REQUEST_TYPES.map((type) => [
    RIGHTS[language][type],
    facts.rights[type].norm,
    facts.rights[type].term,
  ]);
  return {
    language,
    title: words.title,
    subtitle: _id,
    blocks: [
      {
        kind: 'facts',
        facts: [
          [words.operator, given(operator.name)],
          [words.address, given(operator.address)],
          [words.inn, given(operator.inn)],
          [words.email, given(operator.email)],
          [words.request, _id],
          [words.account, accountId],
          [words.received, paperDate(receivedAt, language)],
          [words.made, paperMoment(at, language)],
        ],
      },
      heading(words.fact),
      text(words.factText),
      heading(words.grounds),
      { kind: 'table', head: words.groundsHead, rows: facts.classes, widths: [2, 3, 3, 2] },
      heading(words.methods),
      text(words.methodsText),
      heading(words.sources),
      text(words.sourcesText),
      ...recipientBlocks(recipients, language),
      heading(words.access),
      text(words.accessText),
      ...borderBlocks(recipients, account?.privacy?.domesticOnly === true, language),
      heading(words.processors),
      text(operator.processors || words.noProcessors),
      heading(words.rights),
      text(words.rightsText),
      { kind: 'table', head: words.rightsHead, rows: rights, widths: [3, 3, 2] },
      heading(words.measures),
      text(words.measuresText),
      ...withheldBlocks(language),
    ],
    footer: words.footer,
  };
}
