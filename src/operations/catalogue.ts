import { z } from 'zod';
import { revokeKey } from '../auth/keys.ts';
import type { Permission } from '../auth/roles.ts';
import {
  changeStaffRole,
  disableStaff,
  type Invitation,
  inviteStaff,
  resetStaff,
  staffEmail,
  staffRole,
} from '../auth/staff.ts';
import { endSessions } from '../auth/staff-session.ts';
import { activateAccount, suspendAccount } from '../billing/account-status.ts';
import { AppError } from '../errors.ts';
import type { IdPrefix } from '../ids.ts';
import type { RequestDocument } from '../models/request.ts';
import type { StaffRole } from '../models/staff.ts';
import { type CancelDependencies, cancelRequest } from '../requests/cancel.ts';
import { findRequest } from '../requests/stored-answer.ts';
import { OVERDUE_MS, restartRow } from '../webhooks/delivery-rows.ts';

/**
 * The commands that staff may give, in the back-office and by script alike: what each needs, who may give it, and what
 * it does. `perform.ts` checks, writes the audit log and runs them; nothing else does.
 */

/** Who gives a command. A script is run by somebody with the machine and the installation's secrets in hand. */
export type Actor = { kind: 'staff'; staffId: string; role: StaffRole; address?: string } | { kind: 'script' };

export type OperationDependencies = {
  /** Tells all processes that a key changed; correctness does not depend on it. */
  publishKey: (keyId: string) => Promise<unknown>;
  cancel: CancelDependencies;
};

export type OperationResult = {
  /** The invitation's token is for the one who gave the command, once. It is in no log. */
  invitation?: Invitation;
  /** All processes were told of it. */
  told?: boolean;
};

type Given = { actor: Actor; targetId: string; deps: OperationDependencies };

export type Operation = {
  permission: Permission;
  /** What its target's id looks like; without one the command has no target. */
  target?: IdPrefix;
  input: z.ZodType;
  run: (input: never, given: Given) => Promise<OperationResult>;
};

const reason = z.string().trim().min(3).max(500);
const withReason = z.strictObject({ reason });

function operation<Input extends z.ZodType>(
  permission: Permission,
  target: IdPrefix | undefined,
  input: Input,
  run: (input: z.output<Input>, given: Given) => Promise<OperationResult>,
): Operation {
  return { permission, input, run: run as Operation['run'], ...(target === undefined ? {} : { target }) };
}

/** Nobody takes rights from or gives rights to oneself. */
function refuseOneself({ actor, targetId }: Given): void {
  if (actor.kind === 'staff' && actor.staffId === targetId)
    throw new AppError('staff_forbidden', { message: 'Another admin has to do this.' });
}

async function cancelAnyRequest(requestId: string, given: Given): Promise<OperationResult> {
  const request: RequestDocument | null | undefined = await findRequest(requestId);
  if (!request) throw new AppError('not_found');
  await cancelRequest(request.accountId, requestId, 'staff', given.deps.cancel);
  return {};
}

async function redeliver(deliveryId: string): Promise<OperationResult> {
  const result = await restartRow(deliveryId, OVERDUE_MS + 1_000);
  if (result === 'not_found') throw new AppError('not_found');
  if (result === 'in_progress') throw new AppError('state_conflict', { message: 'It is being sent at this moment.' });
  return {};
}

export const OPERATIONS = {
  'accounts.suspend': operation('accounts.suspend', 'acc', withReason, async (input, { targetId }) => {
    await suspendAccount(targetId, input.reason);
    return {};
  }),
  'accounts.activate': operation('accounts.suspend', 'acc', withReason, async (_input, { targetId }) => {
    await activateAccount(targetId);
    return {};
  }),
  'keys.revoke': operation('keys.revoke', 'key', withReason, async (_input, { targetId, deps }) => {
    const { told } = await revokeKey(targetId, deps.publishKey);
    return { told };
  }),
  'requests.cancel': operation('requests.act', 'req', withReason, (_input, given) =>
    cancelAnyRequest(given.targetId, given),
  ),
  'deliveries.redeliver': operation('requests.act', 'evt', withReason, (_input, { targetId }) => redeliver(targetId)),
  'staff.invite': operation(
    'staff.change',
    undefined,
    z.strictObject({ email: staffEmail, role: staffRole }),
    async (input) => ({ invitation: await inviteStaff(input.email, input.role) }),
  ),
  'staff.disable': operation('staff.change', 'stf', withReason, async (_input, given) => {
    refuseOneself(given);
    await disableStaff(given.targetId);
    return {};
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
      return {};
    },
  ),
  'staff.end-sessions': operation('staff.change', 'stf', withReason, async (_input, { targetId }) => {
    await endSessions(targetId);
    return {};
  }),
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];
