import { z } from 'zod';
import { can } from '../auth/roles.ts';
import { findStaff } from '../auth/staff.ts';
import { AppError } from '../errors.ts';
import { isId } from '../ids.ts';
import { TICKET_PRIORITIES } from '../models/ticket.ts';
import {
  assignTicket,
  findTicket,
  linkAdjustment,
  openTicket,
  resolveTicket,
  SUBJECT_CHARACTERS_MAX,
  TEXT_CHARACTERS_MAX,
  writeToTicket,
} from '../support/tickets.ts';
import { type Given, operation, personOf, withReason } from './define.ts';
import { PROPOSE_PERMISSIONS, proposeRefund, signedRubles } from './money.ts';

/** Commands about the tickets of customers. */

const idOf = (prefix: 'acc' | 'req' | 'stf') =>
  z
    .string()
    .trim()
    .refine((text) => isId(prefix, text), `is not an id such as ${prefix}_…`);
const text = z.string().trim().min(5).max(TEXT_CHARACTERS_MAX);
/** Leaves room for the ids that go before it. */
const refundReason = z.string().trim().min(5).max(400);

/** Oneself, or a colleague who may work on tickets. */
async function assigneeOf(given: string | undefined, { actor }: Given): Promise<string> {
  if (given === undefined) {
    if (actor.kind === 'staff') return actor.staffId;
    throw new AppError('invalid_request', { param: 'assignee', message: 'assignee: somebody of staff is needed' });
  }
  const { status, role } = await findStaff(given);
  if (status === 'active' && can(role, 'tickets.act')) return given;
  throw new AppError('invalid_request', { param: 'assignee', message: 'This member does not work on tickets.' });
}

/** A refund of the request that the ticket names; like every refund, somebody else has to approve it. */
async function refund(given: Given, amountMicros: bigint, reason: string) {
  const { _id, requestId } = await findTicket(given.targetId);
  if (requestId === undefined)
    throw new AppError('state_conflict', { message: 'This ticket names no request to be refunded.' });
  const { madeId } = await proposeRefund({ ...given, targetId: requestId }, amountMicros, `${_id}: ${reason}`);
  await linkAdjustment(_id, madeId);
  return { madeId };
}

export const SUPPORT_OPERATIONS = {
  'tickets.open': operation(
    'tickets.act',
    undefined,
    z.strictObject({
      accountId: idOf('acc'),
      requestId: idOf('req').optional(),
      priority: z.enum(TICKET_PRIORITIES),
      subject: z.string().trim().min(1).max(SUBJECT_CHARACTERS_MAX),
      text,
    }),
    async (input, { actor, deps }) => ({
      madeId: (await openTicket({ ...input, by: personOf(actor) }, deps.cipher))._id,
    }),
  ),
  'tickets.assign': operation(
    'tickets.act',
    'tkt',
    z.strictObject({ assignee: idOf('stf').optional() }),
    async (input, given) => assignTicket(given.targetId, await assigneeOf(input.assignee, given)),
  ),
  'tickets.reply': operation(
    'tickets.act',
    'tkt',
    z.strictObject({ text }),
    async (input, { actor, targetId, deps }) => {
      await writeToTicket(targetId, { kind: 'reply', by: personOf(actor), text: input.text }, deps.cipher);
    },
  ),
  'tickets.note': operation(
    'tickets.act',
    'tkt',
    z.strictObject({ text }),
    async (input, { actor, targetId, deps }) => {
      await writeToTicket(targetId, { kind: 'note', by: personOf(actor), text: input.text }, deps.cipher);
    },
  ),
  'tickets.resolve': operation('tickets.act', 'tkt', withReason, (_input, { targetId }) => resolveTicket(targetId)),
  'tickets.propose-refund': operation(
    PROPOSE_PERMISSIONS,
    'tkt',
    z.strictObject({ rubles: signedRubles, reason: refundReason }),
    (input, given) => refund(given, input.rubles, input.reason),
  ),
};
