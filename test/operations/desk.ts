import { createAuditLog } from '../../src/audit/append.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import type { StaffRole } from '../../src/models/staff.ts';
import type { OperationName } from '../../src/operations/catalogue.ts';
import type { OperationDependencies, OperationResult } from '../../src/operations/define.ts';
import { createPerform } from '../../src/operations/perform.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { createEmailIndex } from '../../src/privacy/email-index.ts';
import { createProviderKeyStore } from '../../src/requests/provider-keys.ts';

/** People who give commands, without a browser between. */

export const reason = 'because of a test';

const masterKeys = new Map([[1, Buffer.alloc(32, 9)]]);

export const cipher = createContentCipher(masterKeys);

export const emailIndex = createEmailIndex(masterKeys);

export const providerKeys = createProviderKeyStore(masterKeys);

const operator = { name: '', address: '', inn: '', email: '', executor: '', processors: '' };

/** Queues without a failed job. */
export const noFailedJobs = {
  retry: async (): Promise<'not_found'> => 'not_found',
  retryAll: async () => ({ taken: 0, left: 0 }),
  drain: async () => ({ taken: 0, left: 0 }),
} as const;

export const dependencies: OperationDependencies = {
  publishKey: async () => undefined,
  operator,
  policy: { operator, retentionDefaults: {} },
  purge: { journal: NO_JOURNAL, log: createLogger({ role: 'test', level: 'silent' }) },
  cancel: {
    accounts: { settle: async () => undefined },
    writer: { markSettled: async () => undefined },
    sendCancel: async () => undefined,
  },
  cipher,
  emailIndex,
  providerKeys,
  failedJobs: noFailedJobs,
};

export const perform = createPerform(createAuditLog(Buffer.alloc(32, 7)), dependencies);

export type Person = { kind: 'staff'; staffId: string; role: StaffRole; address: string };

export function person(role: StaffRole): Person {
  return { kind: 'staff', staffId: newId('stf'), role, address: '192.0.2.1' };
}

export function give(
  who: Person,
  name: OperationName,
  targetId: string,
  more: Record<string, string> = {},
): Promise<OperationResult> {
  return perform(who, { name, targetId, input: { reason, ...more } });
}
