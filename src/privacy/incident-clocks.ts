import type { IncidentDocument, IncidentNotice, IncidentTopic } from '../models/incident.ts';

/**
 * What 152-FZ art. 21(3.1) wants of an incident, and by when. Hours run by the clock, over weekends and holidays, from the
 * detection. Pure.
 */

const HOUR_MS = 3_600_000;
export const NOTICE_WITHIN_MS: Readonly<Record<IncidentNotice, number>> = {
  first: 24 * HOUR_MS,
  additional: 72 * HOUR_MS,
};

/** What each notice cannot be without. Persons whose actions were the cause are named "if any". */
export const NOTICE_TOPICS: Readonly<Record<IncidentNotice, readonly IncidentTopic[]>> = {
  first: ['event', 'causes', 'harm', 'measures', 'contact'],
  additional: ['investigation'],
};

export const INCIDENT_STEPS = [
  'classify',
  'describe',
  'send_first',
  'investigate',
  'send_additional',
  'close',
  'over',
] as const;
export type IncidentStep = (typeof INCIDENT_STEPS)[number];

type Known = Pick<IncidentDocument, 'state' | 'verdict' | 'detectedAt' | 'notices'> & {
  facts: readonly { topic: IncidentTopic }[];
};

/** The notice that has to go out next; the terms run also while nobody has said yet whether it is a breach. */
function nextNotice({ state, verdict, notices }: Omit<Known, 'facts' | 'detectedAt'>): IncidentNotice | undefined {
  if (state === 'closed' || verdict === 'no_breach') return undefined;
  if (!notices.first) return 'first';
  return notices.additional ? undefined : 'additional';
}

/** When the next notice has to be out at the latest; `undefined` when none is due. */
export function noticeDueAt(incident: Omit<Known, 'facts'>): Date | undefined {
  const notice = nextNotice(incident);
  return notice && new Date(incident.detectedAt.getTime() + NOTICE_WITHIN_MS[notice]);
}

/** Items of a notice that nobody has written yet. */
export function missingTopics(notice: IncidentNotice, facts: Known['facts']): IncidentTopic[] {
  const written = new Set(facts.map(({ topic }) => topic));
  return NOTICE_TOPICS[notice].filter((topic) => !written.has(topic));
}

/** What has to be done next. */
export function nextIncidentStep(incident: Known): IncidentStep {
  if (incident.state === 'closed') return 'over';
  if (incident.verdict === 'unclear') return 'classify';
  const notice = nextNotice(incident);
  if (!notice) return 'close';
  const isMissing = missingTopics(notice, incident.facts).length > 0;
  if (notice === 'first') return isMissing ? 'describe' : 'send_first';
  return isMissing ? 'investigate' : 'send_additional';
}
