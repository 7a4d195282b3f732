import { Readable } from 'node:stream';
import { z } from 'zod';
import { isId } from '../ids.ts';
import { INCIDENT_NOTICES, INCIDENT_TOPICS } from '../models/incident.ts';
import type { Paper } from '../papers/paper.ts';
import { renderPdf } from '../papers/pdf.ts';
import { renderText } from '../papers/plain-text.ts';
import { INCIDENT_FILES, INCIDENT_PAPERS, type IncidentPaper, incidentPaper } from '../privacy/incident-papers.ts';
import {
  addFact,
  classifyIncident,
  closeIncident,
  findIncident,
  INCIDENT_TEXT_CHARACTERS_MAX,
  LINKED_AT_ONCE_MAX,
  linkAccounts,
  openIncident,
  readFacts,
  recordNotice,
} from '../privacy/incidents.ts';
import { type Given, operation, personOf, reason, withReason } from './define.ts';

/** Commands about incidents with personal data. Who sees one enters it at once; an admin decides and answers for the notices. */

const DETECTED_WITHIN_MS = 366 * 86_400_000;
const SUBJECTS = /^\d{1,9}$/;
const NUMBER = /^[\p{L}\p{N}/.№ -]{1,40}$/u;

const moment = z.iso.datetime().transform((at) => new Date(at));
const text = z.string().trim().min(5).max(INCIDENT_TEXT_CHARACTERS_MAX);
const detectedAt = moment.refine(
  (at) => at.getTime() <= Date.now() && at.getTime() > Date.now() - DETECTED_WITHIN_MS,
  'is not within the last year',
);
/** Ids with anything between that is no part of one. */
const accountIds = z
  .string()
  .trim()
  .max(LINKED_AT_ONCE_MAX * 40)
  .transform((ids) => ids.split(/[\s,;]+/).filter((id) => id !== ''))
  .refine((ids) => ids.length > 0 && ids.length <= LINKED_AT_ONCE_MAX, `from 1 to ${LINKED_AT_ONCE_MAX} ids are needed`)
  .refine((ids) => ids.every((id) => isId('acc', id)), 'ids such as acc_… are needed');

/** As it would be sent now. */
async function draft(paper: IncidentPaper, language: Paper['language'], { targetId, deps }: Given): Promise<Paper> {
  const incident = await findIncident(targetId);
  const known = { incident, texts: await readFacts(incident, deps.cipher), operator: deps.operator };
  return incidentPaper(paper, known, { language, at: new Date() });
}

export const INCIDENT_OPERATIONS = {
  'incidents.open': operation(
    'incidents.open',
    undefined,
    z.strictObject({ detectedAt: detectedAt.optional(), text }),
    async (input, { actor, deps }) => {
      const opening = { detectedAt: input.detectedAt ?? new Date(), text: input.text, by: personOf(actor) };
      return { madeId: (await openIncident(opening, deps.cipher))._id };
    },
  ),
  'incidents.add': operation(
    'incidents.open',
    'inc',
    z.strictObject({ topic: z.enum(INCIDENT_TOPICS), text }),
    async (input, { actor, targetId, deps }) => {
      await addFact(targetId, { ...input, by: personOf(actor) }, deps.cipher);
    },
  ),
  'incidents.link': operation(
    'incidents.open',
    'inc',
    z.strictObject({ accountIds }),
    async (input, { actor, targetId }) => {
      await linkAccounts(targetId, input.accountIds, personOf(actor));
    },
  ),
  'incidents.classify': operation(
    'incidents.decide',
    'inc',
    z.strictObject({
      verdict: z.enum(['breach', 'no_breach']),
      subjectCount: z.string().trim().regex(SUBJECTS).transform(Number).optional(),
      reason,
    }),
    async (input, { actor, targetId }) => {
      await classifyIncident(targetId, { ...input, by: personOf(actor) });
    },
  ),
  'incidents.sent': operation(
    'incidents.decide',
    'inc',
    z.strictObject({
      notice: z.enum(INCIDENT_NOTICES),
      sentAt: moment,
      noticeNumber: z.string().trim().regex(NUMBER).optional(),
    }),
    async ({ notice, ...sent }, { actor, targetId }) => {
      await recordNotice(targetId, notice, { ...sent, by: personOf(actor) });
    },
  ),
  'incidents.close': operation('incidents.decide', 'inc', withReason, async (input, { actor, targetId }) => {
    await closeIncident(targetId, personOf(actor), input.reason);
  }),
  'incidents.draft': operation(
    'incidents.read',
    'inc',
    z.strictObject({ paper: z.enum(INCIDENT_PAPERS), language: z.enum(['ru', 'en']) }),
    async ({ paper, language }, given) => ({ draft: renderText(await draft(paper, language, given)) }),
  ),
  'incidents.paper': operation(
    'incidents.read',
    'inc',
    z.strictObject({ file: z.enum(INCIDENT_FILES) }),
    async ({ file }, given) => {
      const [paper, language] = file.split('.') as [IncidentPaper, Paper['language']];
      const content = Readable.from([await renderPdf(await draft(paper, language, given))]);
      return { file: { name: `${given.targetId}-${file}`, mediaType: 'application/pdf', content } };
    },
  ),
};
