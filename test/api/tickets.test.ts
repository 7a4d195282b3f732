import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { Adjustment } from '../../src/models/adjustment.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { Staff } from '../../src/models/staff.ts';
import { Ticket } from '../../src/models/ticket.ts';
import { eraseRows, exportRows, rowsToErase, verifyErased } from '../../src/privacy/class-rows.ts';
import { rowClass } from '../../src/privacy/row-classes.ts';
import { ANSWER_WITHIN_MS } from '../../src/support/tickets.ts';
import { accountRequest } from '../helpers/account-request.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { cipher, give, perform, person, reason } from '../operations/desk.ts';

/** Customers write with a key of the account, support answers by command. */
const stores = useStores();
let system: System;

beforeAll(async () => {
  system = await startSystem(stores, { workers: 0, masterKey: Buffer.alloc(32, 9) });
});
afterAll(() => system.stop());

type Shown = {
  id: string;
  status: string;
  answer_due_at: number | null;
  messages: { from: string; text: string }[];
  data?: Record<string, unknown>[];
  error?: { code: string };
};

async function ask(customer: Customer, method: string, path: string, body?: object) {
  const answer = await customer.fetch(path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Shown };
}

const open = (customer: Customer, more: object = {}) =>
  ask(customer, 'POST', '/v1/tickets', { subject: 'Two charges', text: 'Why was I charged twice?', ...more });
const write = (name: 'tickets.reply' | 'tickets.note', ticketId: string, text: string) =>
  perform(person('support'), { name, targetId: ticketId, input: { text } });

test('a customer writes, support answers, and what support notes for itself is not shown', async () => {
  const customer = await system.customer();
  const opened = await open(customer);
  expect(opened).toMatchObject({ status: 201, body: { status: 'open', messages: [{ from: 'customer' }] } });
  const { id } = opened.body;
  await write('tickets.note', id, 'Looks like a repeat without a key');
  await write('tickets.reply', id, 'These were two requests.');
  const { body } = await ask(customer, 'GET', `/v1/tickets/${id}`);
  expect(body).toMatchObject({ status: 'answered', answer_due_at: null });
  expect(body.messages).toMatchObject([
    { from: 'customer', text: 'Why was I charged twice?' },
    { from: 'support', text: 'These were two requests.' },
  ]);
  const listed = await ask(customer, 'GET', '/v1/tickets');
  expect(listed.body.data).toMatchObject([{ id, subject: 'Two charges', status: 'answered' }]);
  expect(JSON.stringify(listed.body)).not.toContain('charged twice');
});

test('the clock runs while the customer waits, is not put off by writing again, and starts anew after an answer', async () => {
  const customer = await system.customer();
  const { id } = (await open(customer, { priority: 'urgent' })).body;
  const due = async () => (await Ticket.findById(id).lean())?.dueAt;
  const first = await due();
  const { createdAt } = (await Ticket.findById(id).lean()) ?? {};
  expect((first?.getTime() ?? 0) - (createdAt?.getTime() ?? 0)).toBe(ANSWER_WITHIN_MS.urgent);
  const again = () => ask(customer, 'POST', `/v1/tickets/${id}/messages`, { text: 'Anybody there?' });
  expect((await again()).status).toBe(201);
  expect(await due()).toEqual(first);
  await write('tickets.reply', id, 'We are looking into it.');
  expect(await due()).toBeUndefined();
  expect((await again()).body).toMatchObject({ status: 'open', answer_due_at: expect.any(Number) });
  await give(person('support'), 'tickets.resolve', id);
  expect(await Ticket.findById(id).lean()).toMatchObject({ state: 'resolved', closedAt: expect.any(Date) });
  expect((await again()).body.status).toBe('open');
  expect((await Ticket.findById(id).lean())?.closedAt).toBeUndefined();
});

test('what people wrote is sealed, in no log, goes out with an export and is destroyed with the account', async () => {
  const customer = await system.customer();
  const { id } = (await open(customer, { subject: 'canary-subject', text: 'canary-text' })).body;
  await write('tickets.reply', id, 'canary-reply');
  const row = await Ticket.findById(id).lean();
  const kept = JSON.stringify([row, await AuditEntry.find({ targetId: id }).sort({ _id: 1 }).lean()]);
  expect(kept).not.toContain('canary');
  expect(kept).not.toContain(Buffer.from('canary-text').toString('base64'));
  const pages = [];
  for await (const page of exportRows(rowClass('ticket'), customer.accountId, cipher)) pages.push(...page);
  expect(pages).toMatchObject([{ subject: 'canary-subject', texts: ['canary-text', 'canary-reply'] }]);
  const rows = await rowsToErase(rowClass('ticket'), customer.accountId);
  expect(await eraseRows(rowClass('ticket'), customer.accountId, rows)).toBe(1);
  expect(await verifyErased(rowClass('ticket'), customer.accountId)).toBe(0);
});

test('strangers find nothing, foreign requests cannot be named, and nobody writes without end', async () => {
  const [owner, stranger] = [await system.customer(), await system.customer()];
  const { id } = (await open(owner)).body;
  expect((await ask(stranger, 'GET', `/v1/tickets/${id}`)).status).toBe(404);
  expect((await ask(stranger, 'POST', `/v1/tickets/${id}/messages`, { text: 'hello' })).status).toBe(404);
  const requestId = await accountRequest(owner.accountId);
  expect((await open(stranger, { request_id: requestId })).status).toBe(404);
  expect((await open(owner, { request_id: requestId })).status).toBe(201);
  for (const wrong of [{ text: '' }, { text: 'x'.repeat(4_001) }, { subject: 'x'.repeat(201) }, { state: 'resolved' }])
    expect((await open(owner, wrong)).status).toBe(400);
  const narrow = await system.customer({ key: { scopes: { endpoints: ['models'] } } });
  expect((await open(narrow)).body.error?.code).toBe('scope_forbidden');
  await Account.updateOne({ _id: stranger.accountId }, { status: 'suspended' });
  for (let opened = 0; opened < 20; opened++) expect((await open(stranger)).status).toBe(201);
  expect(await open(stranger)).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded' } } });
});

test('a refund from a ticket needs a second person, never exceeds the cost, and stands on the ticket', async () => {
  const customer = await system.customer();
  const requestId = await accountRequest(customer.accountId, 5_000_000n);
  const { id } = (await open(customer, { request_id: requestId })).body;
  const support = person('support');
  const propose = (rubles: string) => give(support, 'tickets.propose-refund', id, { rubles });
  await expect(propose('5.01')).rejects.toMatchObject({ code: 'invalid_request' });
  const { madeId = '' } = await propose('5');
  expect(await Ticket.findById(id).lean()).toMatchObject({ adjustmentIds: [madeId] });
  expect(await Adjustment.findById(madeId).lean()).toMatchObject({
    accountId: customer.accountId,
    amountMicros: 5_000_000n,
    reason: `${requestId}: ${id}: ${reason}`,
  });
  const before = (await Account.findById(customer.accountId).lean())?.availableMicros ?? 0n;
  await give(person('finance'), 'adjustments.approve', madeId);
  expect((await Account.findById(customer.accountId).lean())?.availableMicros).toBe(before + 5_000_000n);
  const without = (await open(customer)).body.id;
  await expect(give(support, 'tickets.propose-refund', without, { rubles: '1' })).rejects.toMatchObject({
    code: 'state_conflict',
  });
});

test('a ticket is taken by oneself, or given to somebody who may work on tickets', async () => {
  const { id } = (await open(await system.customer())).body;
  const support = person('support');
  const assign = (input: object) => perform(support, { name: 'tickets.assign', targetId: id, input });
  await assign({});
  expect((await Ticket.findById(id).lean())?.assignee).toBe(support.staffId);
  const members = { finance: newId('stf'), admin: newId('stf') };
  for (const role of ['finance', 'admin'] as const)
    await Staff.create({
      _id: members[role],
      email: `${role}@example.com`,
      role,
      status: 'active',
      createdAt: new Date(),
    });
  await expect(assign({ assignee: members.finance })).rejects.toMatchObject({ code: 'invalid_request' });
  await assign({ assignee: members.admin });
  expect((await Ticket.findById(id).lean())?.assignee).toBe(members.admin);
});
