import { z } from 'zod';
import { changeStaffRole, disableStaff, inviteStaff, resetStaff, staffEmail, staffRole } from '../auth/staff.ts';
import { endSessions } from '../auth/staff-session.ts';
import { AppError } from '../errors.ts';
import { type Given, operation, reason, withReason } from './define.ts';

/** Commands about the people who work here. */

/** Nobody takes rights from or gives rights to oneself. */
function refuseOneself({ actor, targetId }: Given): void {
  if (actor.kind === 'staff' && actor.staffId === targetId)
    throw new AppError('staff_forbidden', { message: 'Another admin has to do this.' });
}

export const STAFF_OPERATIONS = {
  'staff.invite': operation(
    'staff.change',
    undefined,
    z.strictObject({ email: staffEmail, role: staffRole }),
    async (input) => {
      const invitation = await inviteStaff(input.email, input.role);
      return { invitation, madeId: invitation.staffId };
    },
  ),
  'staff.disable': operation('staff.change', 'stf', withReason, async (_input, given) => {
    refuseOneself(given);
    await disableStaff(given.targetId);
  }),
  'staff.reset': operation('staff.change', 'stf', withReason, async (_input, given) => {
    refuseOneself(given);
    return { invitation: await resetStaff(given.targetId) };
  }),
  'staff.change-role': operation(
    'staff.change',
    'stf',
    z.strictObject({ role: staffRole, reason }),
    async (input, given) => {
      refuseOneself(given);
      await changeStaffRole(given.targetId, input.role);
    },
  ),
  'staff.end-sessions': operation('staff.change', 'stf', withReason, async (_input, { targetId }) => {
    await endSessions(targetId);
  }),
};
