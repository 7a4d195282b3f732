import { z } from 'zod';
import type { Permission } from '../auth/roles.ts';
import type { Invitation } from '../auth/staff.ts';
import type { IdPrefix } from '../ids.ts';
import type { StaffRole } from '../models/staff.ts';
import type { IssuedLink } from '../privacy/archive-links.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import type { EmailIndex } from '../privacy/email-index.ts';
import type { Operator } from '../privacy/operator.ts';
import type { PolicySources } from '../privacy/policy-content.ts';
import type { RunOptions } from '../privacy/retention.ts';
import type { FailedJobs, FailedTaken } from '../queue/failed-jobs.ts';
import type { CancelDependencies } from '../requests/cancel.ts';
import type { ReadableContent } from '../requests/content.ts';
import type { ProviderKeyStore } from '../requests/provider-keys.ts';

/** What a command of staff is made of. */

/** Who gives a command. A script is run by somebody with the machine and the installation's secrets in hand. */
export type Actor =
  | { kind: 'staff'; staffId: string; role: StaffRole; address?: string }
  | { kind: 'script' /** Who says so. */; by?: string };

export type OperationDependencies = {
  /** Tells all processes that a key changed; correctness does not depend on it. */
  publishKey: (keyId: string) => Promise<unknown>;
  cancel: CancelDependencies;
  cipher: Pick<ContentCipher, 'seal' | 'open'>;
  emailIndex: EmailIndex;
  /** Who papers are in the name of. */
  operator: Operator;
  /** What a version of the policy is made of. */
  policy: PolicySources;
  /** What a run of the purge writes to. */
  purge: Pick<RunOptions, 'journal' | 'log'>;
  providerKeys: Pick<ProviderKeyStore, 'set' | 'remove'>;
  failedJobs: Pick<FailedJobs, 'retry' | 'retryAll' | 'drain'>;
};

export type GivenFile = { name: string; mediaType: string; content: AsyncIterable<string | Uint8Array> };

export type OperationResult = {
  /** The invitation's token is for the one who gave the command, once. It is in no log. */
  invitation?: Invitation;
  /** For the eyes of the one who gave the command, once. It is in no log. */
  content?: ReadableContent;
  /** A link to a subject's archive, for the one who gave the command to hand over, once. It is in no log. */
  archiveLink?: IssuedLink;
  /** To be taken along by the one who gave the command, as it is made. */
  file?: GivenFile;
  /** Accounts that were asked for. */
  accountIds?: string[];
  /** A paper as text, to be read and copied. It is in no log. */
  draft?: string;
  /** All processes were told of it. */
  told?: boolean;
  /** How many a command was carried out for, and how many it left for the next. */
  counts?: FailedTaken;
  /** What came into being, for the audit log. */
  madeId?: string;
};

export type Given = { actor: Actor; targetId: string; deps: OperationDependencies };

export type Operation = {
  /** Any of them is enough to begin with; what depends on more than the role is for the command to ask. */
  permissions: readonly Permission[];
  /** What its target's id looks like: of ours, or by a pattern. Without one the command has no target. */
  target?: IdPrefix | RegExp;
  input: z.ZodType;
  run: (input: never, given: Given) => Promise<OperationResult>;
};

/** Inputs that are not for the log: secrets, personal data, what customers wrote, and long texts that are kept elsewhere. */
export const UNLOGGED_INPUTS: ReadonlySet<string> = new Set([
  'apiKey',
  'content',
  'email',
  'headers',
  'subject',
  'text',
  'textRu',
  'textEn',
]);

export const reason = z.string().trim().min(5).max(500);
export const withReason = z.strictObject({ reason });

/** How a form says yes or no. */
export const yesNo = z.enum(['yes', 'no']).transform((text) => text === 'yes');

/** The version that somebody has seen of what he changes; 0 before the first change. */
export const version = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

export function operation<Input extends z.ZodType>(
  permission: Permission | readonly Permission[],
  target: IdPrefix | RegExp | undefined,
  input: Input,
  run: (input: z.output<Input>, given: Given) => Promise<OperationResult | undefined> | Promise<void>,
): Operation {
  return {
    permissions: typeof permission === 'string' ? [permission] : permission,
    input,
    run: async (given, context) =>
      ((await run(given as z.output<Input>, context)) as OperationResult | undefined) ?? {},
    ...(target === undefined ? {} : { target }),
  };
}

/** How an actor is named in what the command writes. */
export function personOf(actor: Actor): string {
  return actor.kind === 'staff' ? actor.staffId : (actor.by ?? 'script');
}
