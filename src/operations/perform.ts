import type { AuditFacts, AuditLog } from '../audit/append.ts';
import { can } from '../auth/roles.ts';
import { AppError, toAppError } from '../errors.ts';
import { isId } from '../ids.ts';
import {
  type Actor,
  OPERATIONS,
  type Operation,
  type OperationDependencies,
  type OperationName,
  type OperationResult,
} from './catalogue.ts';

/** The one way a command of staff is carried out: allowed, understood, written down, done. */

export type Command = { name: OperationName; targetId?: string; input: unknown };
export type Perform = (actor: Actor, command: Command) => Promise<OperationResult>;

/** Who did it, as the audit log names him. */
export function auditActor(actor: Actor): Pick<AuditFacts, 'actorKind' | 'actorId' | 'actorRole' | 'address'> {
  if (actor.kind === 'script') return { actorKind: 'script' };
  const { staffId, role, address } = actor;
  return { actorKind: 'staff', actorId: staffId, actorRole: role, ...(address === undefined ? {} : { address }) };
}

function readInput(operation: Operation, input: unknown): unknown {
  const parsed = operation.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const param = unknown ?? issue?.path.join('.') ?? '';
  throw new AppError('invalid_request', { param, message: `${param}: ${issue?.message ?? 'is not valid'}` });
}

/** What of the input belongs into the log: the reason, and for changes of staff the new role. */
function reasonOf(input: unknown): string | undefined {
  const member = (name: string) =>
    typeof input === 'object' && input !== null ? (Reflect.get(input, name) as unknown) : undefined;
  const [role, reason] = [member('role'), member('reason')];
  const parts = [typeof role === 'string' ? `role: ${role}` : '', typeof reason === 'string' ? reason : ''];
  return parts.filter((part) => part !== '').join('; ') || undefined;
}

/**
 * Carries commands out. The audit log is written before anything is done: when it cannot be, nothing is. A second entry
 * tells when the command then failed. Rejects with `staff_forbidden`, `invalid_request`, `not_found` or what the
 * command says.
 */
export function createPerform(audit: AuditLog, deps: OperationDependencies): Perform {
  return async (actor, { name, targetId = '', input }) => {
    const operation: Operation = OPERATIONS[name];
    const facts = { ...auditActor(actor), action: name, ...(targetId === '' ? {} : { targetId }) };
    if (actor.kind === 'staff' && !can(actor.role, operation.permission)) {
      await audit.append({ ...facts, outcome: 'denied', code: 'staff_forbidden' });
      throw new AppError('staff_forbidden');
    }
    if (operation.target ? !isId(operation.target, targetId) : targetId !== '') throw new AppError('not_found');
    const given = readInput(operation, input);
    const reason = reasonOf(given);
    await audit.append({ ...facts, outcome: 'begun', ...(reason === undefined ? {} : { reason }) });
    let result: OperationResult;
    try {
      result = await operation.run(given as never, { actor, targetId, deps });
    } catch (error) {
      await audit.append({ ...facts, outcome: 'failed', code: toAppError(error).code }).catch(() => undefined);
      throw error;
    }
    // It is done, and stands in the log as begun: a log that is away now must not make it look undone.
    const made = result.invitation?.staffId;
    const done = { ...facts, ...(made === undefined ? {} : { targetId: made }), outcome: 'done' as const };
    await audit.append(done).catch(() => undefined);
    return result;
  };
}
