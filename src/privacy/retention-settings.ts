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

export type Change = {
  row: DataClass<MongoStore>;
  value: number;
  by: string;
  /** Of a shorter term: how many rows the caller was told that it removes. */
  rowsSeen?: number | undefined;
};

/**
 * Decides how long a class is kept; the next run follows it.
 * @throws `invalid_request` outside the bounds, and for a shorter term whose preview was not seen: the message has the count.
 */
export async function changeRetention(
  { row, value, by, rowsSeen }: Change,
  defaults: RetentionDefaults,
): Promise<void> {
  const { min, max, unit, reason } = row.retention;
  if (!isAllowed(row, value))
    throw new AppError('invalid_request', { message: `${row.id} is kept ${min} to ${max} ${unit}: ${reason}.` });
  if (by.trim() === '') throw new AppError('invalid_request', { message: 'It must be said who decides.' });
  if (value < (await retentionValue(row, defaults))) {
    const rows = await countPast(row, cutoff(row, value, Date.now()));
    if (rowsSeen !== rows)
      throw new AppError('invalid_request', { message: `The next run would remove ${rows} rows of ${row.id}.` });
  }
  await settings().updateOne(
    { _id: row.id },
    { $set: { value, changedBy: by, changedAt: new Date() } },
    { upsert: true },
  );
}
