import type { IncidentDocument, IncidentTopic } from '../models/incident.ts';
import type { Block, Paper } from '../papers/paper.ts';
import { INCIDENT_PAPER_WORDS } from './incident-words.ts';
import { BLANK, type Operator, operatorLine, paperDate, paperMoment } from './operator.ts';

/**
 * Drafts about an incident: the two notices to Roskomnadzor with every item of 152-FZ art. 21(3.1), and the letter to the
 * owner of an account. What nobody has written yet is a line to fill in.
 */

export const INCIDENT_PAPERS = ['first', 'additional', 'owner'] as const;
export type IncidentPaper = (typeof INCIDENT_PAPERS)[number];

/** As files: both notices and a letter with a line for the account, in both languages. */
export const INCIDENT_FILES = INCIDENT_PAPERS.flatMap((paper) =>
  (['ru', 'en'] as const).map((language) => `${paper}.${language}.pdf` as const),
);

export type IncidentTexts = Readonly<Partial<Record<IncidentTopic, string>>>;
type Language = Paper['language'];
type Facts = Extract<Block, { kind: 'facts' }>['facts'];
/** As far as a notice names the operator. */
type Named = Pick<Operator, 'name' | 'address' | 'inn' | 'email'> & Partial<Pick<Operator, 'executor'>>;
type Known = Pick<IncidentDocument, '_id' | 'detectedAt' | 'subjectCount' | 'notices'>;

function items(texts: IncidentTexts, language: Language, topics: readonly IncidentTopic[]): Facts {
  const words = INCIDENT_PAPER_WORDS[language];
  return topics.map((topic) => [words.topics[topic], texts[topic] ?? BLANK]);
}

function headFacts({ _id, detectedAt }: Known, operator: Named, language: Language): Facts {
  const words = INCIDENT_PAPER_WORDS[language];
  return [
    [words.operator, operatorLine(operator, language)],
    [words.email, operator.email || BLANK],
    [words.register, _id],
    [words.detected, paperMoment(detectedAt, language)],
  ];
}

function aboutData({ subjectCount }: Known, texts: IncidentTexts, language: Language): Facts {
  const count = subjectCount === undefined ? BLANK : String(subjectCount);
  return [...items(texts, language, ['data']), [INCIDENT_PAPER_WORDS[language].subjects, count]];
}

function firstBlocks(incident: Known, texts: IncidentTexts, operator: Named, language: Language): Block[] {
  const facts = [
    ...headFacts(incident, operator, language),
    ...items(texts, language, ['event']),
    ...aboutData(incident, texts, language),
    ...items(texts, language, ['causes', 'harm', 'measures', 'contact']),
  ];
  return [{ kind: 'facts', facts }];
}

function additionalBlocks(incident: Known, texts: IncidentTexts, operator: Named, language: Language): Block[] {
  const words = INCIDENT_PAPER_WORDS[language];
  const { first } = incident.notices;
  const sent = first ? words.firstSent(paperMoment(first.sentAt, language), first.noticeNumber) : BLANK;
  const found: Facts = [
    ...headFacts(incident, operator, language),
    [words.first, sent],
    ...items(texts, language, ['investigation']),
    [words.topics.culprits, texts.culprits ?? words.nobody],
    ...items(texts, language, ['contact']),
  ];
  const known: Facts = [
    ...items(texts, language, ['event']),
    ...aboutData(incident, texts, language),
    ...items(texts, language, ['causes', 'harm', 'measures']),
  ];
  return [
    { kind: 'facts', facts: found },
    { kind: 'heading', text: words.asKnown },
    { kind: 'facts', facts: known },
  ];
}

function ownerBlocks(
  texts: IncidentTexts,
  operator: Named,
  { language, at, accountId = BLANK }: { language: Language; at: Date; accountId?: string | undefined },
): Block[] {
  const words = INCIDENT_PAPER_WORDS[language];
  const told = Object.entries(words.ownerTopics) as [IncidentTopic, string][];
  return [
    {
      kind: 'facts',
      facts: [
        [words.operator, operatorLine(operator, language)],
        [words.account, accountId],
        [words.date, paperDate(at, language)],
      ],
    },
    { kind: 'text', text: words.toOwner },
    { kind: 'facts', facts: told.map(([topic, label]) => [label, texts[topic] ?? BLANK]) },
    { kind: 'text', text: words.advice },
    { kind: 'facts', facts: [[words.email, operator.email || BLANK]] },
  ];
}

/** @param accountId of the owner who is written to; a line to fill in when left out. */
export function incidentPaper(
  kind: IncidentPaper,
  { incident, texts, operator }: { incident: Known; texts: IncidentTexts; operator: Named },
  { language, at, accountId }: { language: Language; at: Date; accountId?: string | undefined },
): Paper {
  const words = INCIDENT_PAPER_WORDS[language];
  const blocks = {
    first: () => firstBlocks(incident, texts, operator, language),
    additional: () => additionalBlocks(incident, texts, operator, language),
    owner: () => ownerBlocks(texts, operator, { language, at, accountId }),
  }[kind]();
  return {
    language,
    title: words.titles[kind],
    subtitle: words.subtitles[kind],
    blocks: [...blocks, { kind: 'signature', label: words.signed, who: operator.executor || BLANK }],
    footer: `${words.titles[kind]} · ${incident._id}`,
  };
}
