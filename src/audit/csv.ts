import type { AuditEntryDocument } from '../models/audit-entry.ts';
import { audit } from './append.ts';

/** The audit log as a table for spreadsheets. */

const COLUMNS = [
  '_id', 'at', 'actorKind', 'actorId', 'actorRole', 'address', 'action', 'targetId', 'outcome', 'code', 'reason', 'previousHash', 'hash',
] as const; // biome-ignore format: a table of names
const BYTE_ORDER_MARK = '\uFEFF';
const FORMULA_START = /^[\s\p{Cc}]*[=+\-@|%]|^[\t\r\n\0]/u;
const EXPORTED_MAX = 200_000;

/** One cell: quoted, and with an apostrophe before what a spreadsheet would take for a formula. */
export function csvCell(value: string | number | Date | undefined): string {
  const text = value instanceof Date ? value.toISOString() : String(value ?? '');
  const harmless = FORMULA_START.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}

function line(entry: AuditEntryDocument): string {
  return `${COLUMNS.map((name) => csvCell(entry[name])).join(',')}\r\n`;
}

/** The newest 200 000 entries, newest first, line by line. */
export async function* auditCsv(): AsyncGenerator<string> {
  yield `${BYTE_ORDER_MARK}${COLUMNS.map((name) => csvCell(name === '_id' ? 'seq' : name)).join(',')}\r\n`;
  for await (const entry of audit().find({}).sort({ _id: -1 }).limit(EXPORTED_MAX)) yield line(entry);
}
