import { z } from 'zod';
import { integer } from './config-values.ts';

/** The part of the configuration that says where files are kept (logs, backups, the journal of deletions) and how often erasures are looked for. */

const variables = z.object({
  LOG_DIR: z.string().optional(),
  LOG_FILE_MEGABYTES: integer(50, 1, 1_024),
  LOG_RETENTION_DAYS: integer(90, 30, 180),
  BACKUP_DIR: z.string().optional(),
  BACKUP_RETENTION_DAYS: integer(35, 7, 35),
  KEY_BACKUP_DIR: z.string().optional(),
  KEY_BACKUP_RETENTION_DAYS: integer(7, 1, 35),
  BACKUP_RECIPIENT: z
    .string()
    .regex(/^age1[0-9a-z]+$/, 'must be a public key, age1…')
    .optional(),
  BACKUP_IDENTITY: z.string().startsWith('AGE-SECRET-KEY-', 'must be a private key, AGE-SECRET-KEY-…').optional(),
  DELETION_JOURNAL_DIR: z.string().optional(),
  ERASURE_INTERVAL_MS: integer(30_000, 50, 3_600_000),
});

export const KEEPING_VARIABLES = variables.shape;
export type KeepingVariables = z.infer<typeof variables>;

const MEGABYTE = 1024 * 1024;

export function buildKeeping(v: KeepingVariables) {
  return {
    /** Standard output only when there is no folder. */
    logFiles:
      v.LOG_DIR === undefined
        ? undefined
        : { folder: v.LOG_DIR, bytesMax: v.LOG_FILE_MEGABYTES * MEGABYTE, retentionDays: v.LOG_RETENTION_DAYS },
    backup: {
      data: { folder: v.BACKUP_DIR, retentionDays: v.BACKUP_RETENTION_DAYS },
      keys: { folder: v.KEY_BACKUP_DIR, retentionDays: v.KEY_BACKUP_RETENTION_DAYS },
      recipient: v.BACKUP_RECIPIENT,
      identity: v.BACKUP_IDENTITY,
      journalFolder: v.DELETION_JOURNAL_DIR,
    },
    erasure: { intervalMs: v.ERASURE_INTERVAL_MS },
  };
}

/** What would undo the separation of content and keys, as texts for the operator. */
export function brokenKeepingRules(v: KeepingVariables): string[] {
  const problems: string[] = [];
  if (v.BACKUP_DIR !== undefined && v.BACKUP_DIR === v.KEY_BACKUP_DIR)
    problems.push('KEY_BACKUP_DIR: must not be BACKUP_DIR, or whoever has the content has the keys to it');
  if (v.KEY_BACKUP_RETENTION_DAYS > v.BACKUP_RETENTION_DAYS)
    problems.push('KEY_BACKUP_RETENTION_DAYS: must not exceed BACKUP_RETENTION_DAYS');
  return problems;
}
