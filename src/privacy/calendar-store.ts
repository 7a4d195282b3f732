import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { ProductionCalendar, type ProductionCalendarDocument } from '../models/privacy-request.ts';
import { moscowDate, type ProductionYear, SEEDED_YEARS } from './calendar.ts';

/** Years of the production calendar: those that staff entered, and the seeded ones where nobody did. */

const YEARS_MAX = 50;
const DAYS_MAX = 60;
const DAY = /^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

const calendars = () => nativeCollection<ProductionCalendarDocument>(ProductionCalendar);

export async function productionYears(): Promise<ProductionYear[]> {
  const stored = await calendars().find().sort({ _id: 1 }).limit(YEARS_MAX).toArray();
  const entered = stored.map(({ _id, off, working, source, version }) => {
    return { year: Number(_id), off, working, source, version: Number(version) };
  });
  const years = new Set(entered.map(({ year }) => year));
  return [...entered, ...SEEDED_YEARS.filter(({ year }) => !years.has(year))];
}

/**
 * Enters a year, or a new version of one.
 * @throws `invalid_request` for days that are none, or a year out of reach.
 */
export async function enterYear(year: Omit<ProductionYear, 'version'> & { by: string }): Promise<void> {
  const { off, working, source, by } = year;
  const days = [...off, ...working];
  if (!Number.isInteger(year.year) || year.year < 2025 || year.year > 2100 || days.length > DAYS_MAX)
    throw new AppError('invalid_request', { message: 'A year from 2025 on with at most 60 days is needed.' });
  if (source.trim() === '' || by.trim() === '' || !days.every((day) => DAY.test(day)))
    throw new AppError('invalid_request', { message: 'Days are MM-DD; the decree and who enters it must be named.' });
  const wrong = wrongDay(year.year, off, working);
  if (wrong !== undefined)
    throw new AppError('invalid_request', { message: `${year.year}: ${wrong} is not such a day.` });
  await calendars().updateOne(
    { _id: year.year },
    {
      $set: { off: [...off], working: [...working], source, changedBy: by, changedAt: new Date() },
      $inc: { version: 1 },
    },
    { upsert: true },
  );
}

/** A day that is none, or a day to work on that is no Saturday or Sunday: most often a slip of the pen. */
function wrongDay(year: number, off: readonly string[], working: readonly string[]): string | undefined {
  const dayOfWeek = (day: string) => {
    const date = new Date(`${year}-${day}T00:00:00Z`);
    return date.toISOString().slice(5, 10) === day ? date.getUTCDay() : undefined;
  };
  const isWeekend = (day: string) => [0, 6].includes(dayOfWeek(day) ?? 1);
  return off.find((day) => dayOfWeek(day) === undefined) ?? working.find((day) => !isWeekend(day));
}

/** From this month on the decree about the next year is out as a rule. */
const NEXT_YEAR_FROM_MONTH = 10;

/** Years that have no calendar and should have one: dates that need them are provisional. */
export async function missingYears(nowMs: number): Promise<number[]> {
  const [year = 0, month = 0] = moscowDate(nowMs).split('-').map(Number);
  const wanted = month >= NEXT_YEAR_FROM_MONTH ? [year, year + 1] : [year];
  const known = new Set((await productionYears()).map((one) => one.year));
  return wanted.filter((one) => !known.has(one));
}
