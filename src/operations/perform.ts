import type { AuditFacts, AuditLog } from '../audit/append.ts';
import { can } from '../auth/roles.ts';
import { AppError, toAppError } from '../errors.ts';
import { isId } from '../ids.ts';
import type { StaffRole } from '../models/staff.ts';
import { formatRub } from '../money.ts';
import { OPERATIONS, type OperationName } from './catalogue.ts';
import {
  type Actor,
  type Operation,
  type OperationDependencies,
  type OperationResult,
  UNLOGGED_INPUTS,
} from './define.ts';

/** The one way a command of staff is carried out: allowed, understood, written down, done. */

export type Command = { name: OperationName; targetId?: string; input: unknown };
export type Perform = (actor: Actor, command: Command) => Promise<OperationResult>;

/** Who did it, as the audit log names him. */
export function auditActor(actor: Actor): Pick<AuditFacts, 'actorKind' | 'actorId' | 'actorRole' | 'address'> {
  if (actor.kind === 'script') return { actorKind: 'script', ...(actor.by === undefined ? {} : { actorId: actor.by }) };
  const { staffId, role, address } = actor;
  return { actorKind: 'staff', actorId: staffId, actorRole: role, ...(address === undefined ? {} : { address }) };
}

/** Whether a role may give this command at all. */
export function mayBegin(role: StaffRole, { permissions }: Operation): boolean {
  return permissions.some((permission) => can(role, permission));
}

function isTarget({ target }: Operation, targetId: string): boolean {
  if (target === undefined) return targetId === '';
  return typeof target === 'string' ? isId(target, targetId) : target.test(targetId);
}

function readInput(operation: Operation, input: unknown): unknown {
  const parsed = operation.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const param = unknown ?? issue?.path.join('.') ?? '';
  throw new AppError('invalid_request', { param, message: `${param}: ${issue?.message ?? 'is not valid'}` });
}

/** A whole text is where the command has put it. */
const SHOWN_CHARACTERS_MAX = 300;

function shown(value: unknown): string {
  if (typeof value === 'string' && value.length > SHOWN_CHARACTERS_MAX) return `${value.length} characters`;
  if (typeof value === 'bigint') return `${formatRub(value)} RUB`;
  return value instanceof Date ? value.toISOString() : String(value);
}

/** What of the input belongs into the log: what was asked for, and the reason. */
function reasonOf(input: unknown): string | undefined {
  const { reason, ...rest } = input as Record<string, unknown>;
  const logged = Object.entries(rest).filter(([name, value]) => value !== undefined && !UNLOGGED_INPUTS.has(name));
  const parts = logged.map(([name, value]) => `${name}: ${shown(value)}`);
  return [...parts, ...(typeof reason === 'string' ? [reason] : [])].join('; ') || undefined;
}

/** What came of a command, for the log: what it made, whom it found, and how many it was carried out for. */
function outcomeOf({ madeId, accountIds, counts }: OperationResult): { reason?: string } {
  if (madeId !== undefined) return { reason: `made: ${madeId}` };
  if (counts !== undefined) return { reason: `taken: ${counts.taken}; left: ${counts.left}` };
  return accountIds === undefined ? {} : { reason: `found: ${accountIds.join(', ') || 'none'}` };
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
    if (actor.kind === 'staff' && !mayBegin(actor.role, operation)) {
      await audit.append({ ...facts, outcome: 'denied', code: 'staff_forbidden' });
      throw new AppError('staff_forbidden');
    }
    if (!isTarget(operation, targetId)) throw new AppError('not_found');
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
    const outcome = outcomeOf(result);
    await audit.append({ ...facts, ...outcome, outcome: 'done' }).catch(() => undefined);
    return result;
  };
}
