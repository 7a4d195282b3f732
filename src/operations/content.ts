import { z } from 'zod';
import { AppError } from '../errors.ts';
import { readableContent } from '../requests/content.ts';
import { endGrant, GRANT_MINUTES, grantAccess, useGrant } from '../support/content-access.ts';
import { type Actor, operation, reason } from './define.ts';

/** Commands that show what customers sent and got. Every look is a command, and so stands in the audit log. */

/** Content is shown to people who signed in, never to scripts. */
function staffOf(actor: Actor) {
  if (actor.kind !== 'staff') throw new AppError('staff_forbidden');
  return actor;
}

export const CONTENT_OPERATIONS = {
  'content.open': operation(
    'content.break-glass',
    'tkt',
    z.strictObject({ minutes: z.enum(GRANT_MINUTES), reason }),
    async (input, { actor, targetId: ticketId, deps }) => {
      const { staffId, role } = staffOf(actor);
      const wish = { ticketId, staffId, minutes: Number(input.minutes), reason: input.reason };
      return { madeId: (await grantAccess({ ...wish, needsConsent: role !== 'admin' }, deps.cipher))._id };
    },
  ),
  'content.read': operation('content.break-glass', 'cgr', z.strictObject({}), async (_input, given) => {
    const { requestId } = await useGrant(given.targetId, staffOf(given.actor).staffId);
    const content = await readableContent(requestId, given.deps.cipher);
    if (content.input === undefined && content.answer === undefined)
      throw new AppError('state_conflict', { message: 'The content of this request is not kept.' });
    return { content };
  }),
  'content.close': operation('content.break-glass', 'cgr', z.strictObject({}), (_input, { actor, targetId }) =>
    endGrant(targetId, staffOf(actor).staffId),
  ),
};
