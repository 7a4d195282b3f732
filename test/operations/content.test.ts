import { beforeEach, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { ContentGrant } from '../../src/models/content-grant.ts';
import { Ticket } from '../../src/models/ticket.ts';
import { openMessages } from '../../src/support/ticket-texts.ts';
import { findTicket, openTicket } from '../../src/support/tickets.ts';
import { accountRequest } from '../helpers/account-request.ts';
import { useStores } from '../helpers/stores.ts';
import { cipher, give, type Person, perform, person, reason } from './desk.ts';

/** Break-glass: content only for a ticket's sake, for a short time, on record, and not behind the owner's back. */

useStores();
let accountId = '';
let requestId = '';

beforeEach(async () => {
  accountId = newId('acc');
  requestId = newId('req');
  await createAccount(accountId);
  const seal = (field: string, text: string) =>
    cipher.seal(accountId, `requests|${requestId}|${field}`, Buffer.from(text));
  const content = { input: await seal('input', 'canary-prompt'), result: await seal('result', 'canary-answer') };
  await accountRequest(accountId, 1n, { ...content, resultKind: 'json' }, requestId);
});

async function ticket(contentConsent = true, named: string | undefined = requestId): Promise<string> {
  const opening = { accountId, by: newId('key'), subject: 'Look', text: 'Look at this', requestId: named };
  return (await openTicket({ ...opening, contentConsent }, cipher))._id;
}
async function granted(who: Person, ticketId: string): Promise<string> {
  const { madeId = '' } = await give(who, 'content.open', ticketId, { minutes: '5' });
  return madeId;
}
const read = (who: Person, grantId: string) => perform(who, { name: 'content.read', targetId: grantId, input: {} });

test('who was given access sees input and answer; the owner is told, every look is counted and in the log', async () => {
  const [who, ticketId] = [person('support'), await ticket()];
  const grantId = await granted(who, ticketId);
  const [, notice] = await openMessages(await findTicket(ticketId), cipher);
  expect(notice).toMatchObject({ kind: 'system', text: expect.stringContaining(requestId) });
  expect(notice?.text).toContain(reason);
  for (let look = 0; look < 2; look++)
    expect((await read(who, grantId)).content).toEqual({
      input: 'canary-prompt',
      answer: 'canary-answer',
      isCut: false,
    });
  expect(await ContentGrant.findById(grantId).lean()).toMatchObject({ views: 2, staffId: who.staffId, requestId });
  const entries = await AuditEntry.find({ actorId: who.staffId }).sort({ _id: 1 }).lean();
  expect(entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    'content.open begun',
    'content.open done',
    'content.read begun',
    'content.read done',
    'content.read begun',
    'content.read done',
  ]);
  expect(JSON.stringify(entries)).not.toContain('canary');
});

test('nobody else uses an access, in whatever role, and no script', async () => {
  const grantId = await granted(person('support'), await ticket());
  for (const role of ['support', 'admin', 'operator', 'auditor'] as const)
    await expect(read(person(role), grantId)).rejects.toMatchObject({ code: 'staff_forbidden' });
  for (const name of ['content.read', 'content.close'] as const)
    await expect(perform({ kind: 'script' }, { name, targetId: grantId, input: {} })).rejects.toMatchObject({
      code: 'staff_forbidden',
    });
  expect(await ContentGrant.findById(grantId).lean()).toMatchObject({ views: 0 });
});

test('an access ends by its time, by being given back, and with its ticket', async () => {
  const who = person('admin');
  const ended = { code: 'state_conflict' };
  const first = await granted(who, await ticket());
  await ContentGrant.updateOne({ _id: first }, { expiresAt: new Date(Date.now() - 1) });
  await expect(read(who, first)).rejects.toMatchObject(ended);
  const second = await granted(who, await ticket());
  for (let time = 0; time < 2; time++) await perform(who, { name: 'content.close', targetId: second, input: {} });
  await expect(read(who, second)).rejects.toMatchObject(ended);
  const ticketId = await ticket();
  const third = await granted(who, ticketId);
  await give(who, 'tickets.resolve', ticketId);
  await expect(read(who, third)).rejects.toMatchObject(ended);
  await expect(granted(who, ticketId)).rejects.toMatchObject(ended);
});

test('support needs the owner’s consent, an admin does not, and both need a request, a reason and a short time', async () => {
  const ticketId = await ticket(false);
  await expect(granted(person('support'), ticketId)).rejects.toMatchObject({ code: 'state_conflict' });
  expect((await Ticket.findById(ticketId).lean())?.messages).toHaveLength(1);
  await granted(person('admin'), ticketId);
  const { _id: without } = await openTicket({ accountId, by: 'x', subject: 'a', text: 'b' }, cipher);
  await expect(granted(person('admin'), without)).rejects.toMatchObject({ code: 'state_conflict' });
  for (const input of [{ minutes: '5' }, { reason }, { minutes: '600', reason }, { minutes: '5', reason: 'no' }])
    await expect(perform(person('admin'), { name: 'content.open', targetId: ticketId, input })).rejects.toMatchObject({
      code: 'invalid_request',
    });
});

test('content that is not kept is said to be so', async () => {
  const who = person('support');
  const grantId = await granted(who, await ticket(true, await accountRequest(accountId)));
  await expect(read(who, grantId)).rejects.toMatchObject({ code: 'state_conflict' });
});
