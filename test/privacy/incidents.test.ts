import { beforeEach, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Incident, IncidentAccount, type IncidentDocument } from '../../src/models/incident.ts';
import type { OperationName } from '../../src/operations/catalogue.ts';
import { renderPdf } from '../../src/papers/pdf.ts';
import { renderText } from '../../src/papers/plain-text.ts';
import { countRows } from '../../src/privacy/class-rows.ts';
import { nextIncidentStep, noticeDueAt } from '../../src/privacy/incident-clocks.ts';
import { INCIDENT_PAPERS, incidentPaper } from '../../src/privacy/incident-papers.ts';
import { findIncident, linkAccounts, linkedAccounts, readFacts } from '../../src/privacy/incidents.ts';
import { rowClass } from '../../src/privacy/row-classes.ts';
import { useStores } from '../helpers/stores.ts';
import { cipher, type Person, perform, person, reason } from '../operations/desk.ts';

/** The register of incidents (152-FZ art. 21(3.1)): two terms from the detection, and notices with every item of the law. */

useStores();
const HOUR_MS = 3_600_000;
const WHAT = 'A member of staff sent a list of addresses to the wrong person';
const admin = person('admin');
let operatorOfTheService: Person;
let incidentId: string;

const give = (who: Person, name: OperationName, input: Record<string, string>, targetId = incidentId) =>
  perform(who, { name, targetId, input });
const tell = (topic: string, text: string, who = operatorOfTheService) => give(who, 'incidents.add', { topic, text });
const step = async () => nextIncidentStep(await findIncident(incidentId));

async function opened(detectedAt: Date): Promise<string> {
  const input = { text: WHAT, detectedAt: detectedAt.toISOString() };
  return (await perform(operatorOfTheService, { name: 'incidents.open', input })).madeId ?? '';
}

beforeEach(async () => {
  operatorOfTheService = person('operator');
  incidentId = await opened(new Date(Date.now() - HOUR_MS));
});

async function breach(): Promise<void> {
  await give(admin, 'incidents.classify', { verdict: 'breach', subjectCount: '12', reason });
}

async function described(): Promise<void> {
  for (const topic of ['causes', 'harm', 'measures', 'contact']) await tell(topic, `what is known: ${topic}`);
}

const sent = (notice: 'first' | 'additional', sentAt = new Date(), more: Record<string, string> = {}) =>
  give(admin, 'incidents.sent', { notice, sentAt: sentAt.toISOString(), ...more });

describe('the clocks of an incident', () => {
  const detectedAt = new Date('2026-12-31T20:00:00Z');
  const first = { sentAt: detectedAt, by: 'anna', at: detectedAt };
  test.each([
    ['nobody has said what it is: 24 hours', { verdict: 'unclear', notices: {} }, '2027-01-01T20:00:00Z'],
    ['a breach over New Year: 24 hours all the same', { verdict: 'breach', notices: {} }, '2027-01-01T20:00:00Z'],
    ['a first notice is out: 72 hours', { verdict: 'breach', notices: { first } }, '2027-01-03T20:00:00Z'],
    ['both are out', { verdict: 'breach', notices: { first, additional: first } }, undefined],
    ['no breach', { verdict: 'no_breach', notices: {} }, undefined],
  ] as const)('%s', (_name, given, due) => {
    const dueAt = noticeDueAt({ state: 'open', detectedAt, ...given });
    expect(dueAt).toEqual(due === undefined ? undefined : new Date(due));
    expect(noticeDueAt({ state: 'closed', detectedAt, ...given })).toBeUndefined();
  });
});

describe('an incident', () => {
  test('goes from the detection through both notices to its end, each step as the law has them', async () => {
    expect(await step()).toBe('classify');
    await breach();
    expect(await step()).toBe('describe');
    await expect(sent('first')).rejects.toThrow('causes, harm, measures, contact');
    await described();
    expect(await step()).toBe('send_first');
    await sent('first', new Date(), { noticeNumber: '77-2026/1' });
    const { detectedAt, dueAt, notices } = await findIncident(incidentId);
    expect(dueAt?.getTime()).toBe(detectedAt.getTime() + 72 * HOUR_MS);
    expect(notices.first).toMatchObject({ noticeNumber: '77-2026/1', by: admin.staffId });
    expect(await step()).toBe('investigate');
    await expect(give(admin, 'incidents.close', { reason })).rejects.toThrow('is due');
    await tell('investigation', 'the list was deleted unread');
    expect(await step()).toBe('send_additional');
    await sent('additional');
    expect(await step()).toBe('close');
    await give(admin, 'incidents.close', { reason });
    const closed = await findIncident(incidentId);
    expect(closed).toMatchObject({ state: 'closed', closedAt: expect.any(Date) });
    expect(closed.dueAt).toBeUndefined();
    await expect(tell('harm', 'more of it')).rejects.toThrow('closed');
  });

  test('that is no breach is closed without a notice, and only when somebody has said so', async () => {
    await expect(give(admin, 'incidents.close', { reason })).rejects.toThrow('whether it is a breach');
    await give(admin, 'incidents.classify', { verdict: 'no_breach', reason });
    expect((await findIncident(incidentId)).dueAt).toBeUndefined();
    await expect(sent('first')).rejects.toMatchObject({ code: 'state_conflict' });
    await give(admin, 'incidents.close', { reason });
    expect(await step()).toBe('over');
  });

  test('of which Roskomnadzor was told is not taken back, and no notice is noted twice or out of turn', async () => {
    await breach();
    await described();
    await expect(sent('additional')).rejects.toThrow('first notice comes first');
    await expect(sent('first', new Date(Date.now() - 2 * HOUR_MS))).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(sent('first', new Date(Date.now() + HOUR_MS))).rejects.toMatchObject({ code: 'invalid_request' });
    await sent('first');
    await expect(sent('first')).rejects.toThrow('noted as sent');
    await expect(give(admin, 'incidents.classify', { verdict: 'no_breach', reason })).rejects.toThrow('was told');
  });

  test('keeps what was written sealed, and the newest of it stands', async () => {
    await tell('harm', 'spam may come');
    await tell('harm', 'spam has come');
    const incident = await findIncident(incidentId);
    expect(await readFacts(incident, cipher)).toEqual({ event: WHAT, harm: 'spam has come' });
    expect(incident.facts).toHaveLength(3);
    const stored = await nativeCollection(Incident).findOne({ _id: incidentId } as never);
    expect(Buffer.from(JSON.stringify(stored)).toString()).not.toMatch(/spam|addresses/);
    const entries = await AuditEntry.find({ targetId: incidentId }).sort({ _id: 1 }).lean();
    expect(entries.map(({ reason: why = '' }) => why).join()).not.toMatch(/spam|addresses/);
    expect(entries.filter(({ action, outcome }) => action === 'incidents.add' && outcome === 'done')).toHaveLength(2);
  });

  test('is entered by who sees it, decided by an admin, and read by nobody else', async () => {
    for (const role of ['finance', 'auditor'] as const)
      await expect(tell('harm', 'something', person(role))).rejects.toMatchObject({ code: 'staff_forbidden' });
    for (const role of ['support', 'operator', 'auditor'] as const)
      await expect(give(person(role), 'incidents.classify', { verdict: 'no_breach', reason })).rejects.toMatchObject({
        code: 'staff_forbidden',
      });
    const draft = { paper: 'first', language: 'ru' };
    expect((await give(person('auditor'), 'incidents.draft', draft)).draft).toContain(WHAT);
    await expect(give(person('finance'), 'incidents.draft', draft)).rejects.toMatchObject({ code: 'staff_forbidden' });
  });

  test('that two people change at once is changed by one of them', async () => {
    const both = await Promise.allSettled([
      give(admin, 'incidents.classify', { verdict: 'breach', reason }),
      give(admin, 'incidents.classify', { verdict: 'no_breach', reason }),
      tell('harm', 'something'),
    ]);
    const { history, revision } = await findIncident(incidentId);
    const done = both.filter(({ status }) => status === 'fulfilled').length;
    expect(done).toBeGreaterThanOrEqual(1);
    expect([history.length, revision]).toEqual([1 + done, 1 + done]);
  });
});

describe('accounts that an incident concerns', () => {
  let accountIds: string[];
  const linked = async () => {
    const found: string[] = [];
    for await (const id of linkedAccounts(incidentId)) found.push(id);
    return found;
  };

  beforeEach(async () => {
    accountIds = [newId('acc'), newId('acc')];
    for (const id of accountIds) await createAccount(id);
  });

  test('are linked once, must exist, and end with it', async () => {
    await give(operatorOfTheService, 'incidents.link', { accountIds: accountIds.join('\n') });
    await give(operatorOfTheService, 'incidents.link', { accountIds: accountIds[0] ?? '' });
    expect(await linked()).toEqual([...accountIds].sort());
    expect((await findIncident(incidentId)).accountCount).toBe(2);
    const nobody = newId('acc');
    await expect(linkAccounts(incidentId, [nobody], 'anna')).rejects.toThrow(nobody);
    await expect(
      linkAccounts(
        incidentId,
        Array(501)
          .fill(0)
          .map(() => newId('acc')),
        'anna',
      ),
    ).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(give(operatorOfTheService, 'incidents.link', { accountIds: 'acc_1 {$ne:1}' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await give(admin, 'incidents.classify', { verdict: 'no_breach', reason });
    await give(admin, 'incidents.close', { reason });
    expect(await nativeCollection(IncidentAccount).countDocuments({ incidentId, closedAt: { $exists: true } })).toBe(2);
  });

  test('stay linked when the account is erased: the register is kept by a norm', async () => {
    await linkAccounts(incidentId, accountIds, 'anna');
    const row = rowClass('incident_account');
    expect(await countRows(row, accountIds[0] ?? '')).toBe(1);
    expect(row.erasure).toMatchObject({ action: 'keep', norm: expect.any(String), until: expect.any(String) });
  });
});

describe('a paper about an incident', () => {
  const operator = { name: 'ООО «Пример»', address: 'Москва', inn: '7700000000', email: 'pd@example.org' };
  const at = new Date('2026-04-24T12:00:00+03:00');
  const incident: Pick<IncidentDocument, '_id' | 'detectedAt' | 'subjectCount' | 'notices'> = {
    _id: newId('inc'),
    detectedAt: new Date('2026-04-24T10:00:00+03:00'),
    subjectCount: 12,
    notices: { first: { sentAt: at, noticeNumber: '77-1', by: 'anna', at } },
  };
  const texts = {
    event: 'письмо ушло не туда',
    data: 'адреса почты, 12 записей',
    causes: 'ошибка в адресе',
    harm: 'возможен спам',
    measures: 'письмо удалено',
    contact: 'Ответственный, pd@example.org',
    investigation: 'получатель письмо не открывал',
    culprits: 'сотрудник поддержки',
  };
  const known = { incident, texts, operator };

  test.each([
    ['first', ['event', 'causes', 'harm', 'measures', 'contact']],
    ['additional', ['investigation', 'culprits']],
  ] as const)('has every item that the law lists: %s', (kind, items) => {
    const text = renderText(incidentPaper(kind, known, { language: 'ru', at }));
    for (const item of items) expect(text).toContain(texts[item]);
    for (const fact of ['ООО «Пример»', 'ИНН 7700000000', 'pd@example.org', incident._id, '24.04.2026, 10:00:00'])
      expect(text).toContain(fact);
    expect(text).toContain(kind === 'first' ? 'п. 1 ч. 3.1 ст. 21' : 'п. 2 ч. 3.1 ст. 21');
  });

  test('shows a line to fill in for what nobody has written, and says when nobody is to blame', () => {
    const empty = { ...known, texts: {} };
    const first = renderText(incidentPaper('first', empty, { language: 'ru', at }));
    // Six items, and the name of who signs.
    expect(first.match(/: _{20,}/g)).toHaveLength(7);
    expect(renderText(incidentPaper('additional', empty, { language: 'ru', at }))).toContain('не установлены');
  });

  test('to an owner tells what has happened and nothing of the investigation', () => {
    const accountId = newId('acc');
    const text = renderText(incidentPaper('owner', known, { language: 'en', at, accountId }));
    for (const part of [accountId, texts.event, texts.data, texts.harm, texts.measures]) expect(text).toContain(part);
    for (const part of [texts.culprits, texts.investigation, texts.causes]) expect(text).not.toContain(part);
  });

  test('is a PDF in both languages', async () => {
    for (const kind of INCIDENT_PAPERS)
      for (const language of ['ru', 'en'] as const) {
        const pdf = await renderPdf(incidentPaper(kind, known, { language, at }));
        expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
      }
  });
});
