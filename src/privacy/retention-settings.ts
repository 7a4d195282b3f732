import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { type ClassId, RetentionClass, type RetentionClassDocument } from '../models/retention-class.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import { countPast } from './purge-class.ts';

/** How long each class is kept: what operators decided within the registry's bounds, else the installation's default. */

/** Defaults of this installation, from its configuration. */
export type RetentionDefaults = Readonly<Partial<Record<ClassId, number>>>;

const MOSCOW_OFFSET_MS = 3 * 3_600_000;
const DAY_MS = 86_400_000;

const settings = () => nativeCollection<RetentionClassDocument>(RetentionClass);

/** The value in force, which may be out of bounds if somebody wrote it past `changeRetention`. */
export async function retentionValue(row: DataClass, defaults: RetentionDefaults): Promise<number> {
  const stored = await settings().findOne({ _id: row.id }, { projection: { value: 1 } });
  return stored?.value === undefined ? (defaults[row.id] ?? row.retention.default) : Number(stored.value);
}

/** Whether the law and the policy's promise allow the value. */
export function isAllowed({ retention }: DataClass, value: number): boolean {
  return Number.isFinite(value) && value >= retention.min && value <= retention.max;
}

/** Rows from before this moment are past their term. Years end with the Moscow calendar year. */
export function cutoff({ retention }: DataClass, value: number, nowMs: number): Date {
  if (retention.unit === 'days') return new Date(nowMs - value * DAY_MS);
  const year = new Date(nowMs + MOSCOW_OFFSET_MS).getUTCFullYear();
  return new Date(Date.UTC(year - value, 0, 1) - MOSCOW_OFFSET_MS);
}

/** What a shorter term would remove, counted as of a moment: what somebody saw before deciding on it. */
export type Preview = { rows: number; at: Date };

const PREVIEW = /^(\d{1,9})@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;
const PREVIEW_LASTS_MS = 3_600_000;

/** As it goes out and comes back: `12@2026-04-24T10:00:00.000Z`. */
export function previewText({ rows, at }: Preview): string {
  return `${rows}@${at.toISOString()}`;
}

export function readPreview(text: string): Preview | undefined {
  const [, rows, at = ''] = PREVIEW.exec(text) ?? [];
  return rows === undefined ? undefined : { rows: Number(rows), at: new Date(at) };
}

export type Change = {
  row: DataClass<MongoStore>;
  value: number;
  by: string;
  /** Of a shorter term: what the caller was told that it removes. */
  preview?: Preview | undefined;
};

/**
 * Whether the preview is what a shorter term removes. Counted as of the preview's own moment: rows grow old all the time,
 * and a count of now is over before anybody has read it. A purge meanwhile leaves fewer.
 */
async function wasSeen({ row, value, preview }: Change, nowMs: number): Promise<boolean> {
  const atMs = preview?.at.getTime() ?? Number.NaN;
  if (!preview || !(atMs <= nowMs && atMs > nowMs - PREVIEW_LASTS_MS)) return false;
  return (await countPast(row, cutoff(row, value, atMs))) <= preview.rows;
}

/**
 * Decides how long a class is kept; the next run follows it.
 * @throws `invalid_request` outside the bounds, and for a shorter term whose preview was not seen within the last hour: the
 *   message has the count, and the details `rows` and `preview`, which is to be sent back.
 */
export async function changeRetention(change: Change, defaults: RetentionDefaults): Promise<void> {
  const { row, value, by } = change;
  const { min, max, unit, reason } = row.retention;
  if (!isAllowed(row, value))
    throw new AppError('invalid_request', { message: `${row.id} is kept ${min} to ${max} ${unit}: ${reason}.` });
  if (by.trim() === '') throw new AppError('invalid_request', { message: 'It must be said who decides.' });
  const nowMs = Date.now();
  if (value < (await retentionValue(row, defaults)) && !(await wasSeen(change, nowMs))) {
    const rows = await countPast(row, cutoff(row, value, nowMs));
    const preview = previewText({ rows, at: new Date(nowMs) });
    const message = `The next run would remove ${rows} rows of ${row.id}.`;
    throw new AppError('invalid_request', { message, param: 'preview', details: { rows, preview } });
  }
  await settings().updateOne(
    { _id: row.id },
    { $set: { value, changedBy: by, changedAt: new Date() } },
    { upsert: true },
  );
}
