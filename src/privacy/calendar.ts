/**
 * Terms of 152-FZ: working days of the Russian production calendar, and calendar days. A term runs from the day after the
 * event, on Moscow dates. Pure; dates are texts such as `2026-05-12`.
 */

/** What a year's calendar says beyond Saturday and Sunday; days are `MM-DD`. */
export type ProductionYear = {
  year: number;
  /** Mondays to Fridays that are off. */
  off: readonly string[];
  /** Saturdays and Sundays that are worked. */
  working: readonly string[];
  source: string;
  version: number;
};

export type Due = {
  date: string;
  /** A year on the way has no calendar yet: only the holidays of the Labour Code count, which gives the earlier date. */
  isProvisional: boolean;
};

const DAY_MS = 86_400_000;
const MOSCOW_OFFSET_MS = 3 * 3_600_000;
const DAYS_MAX = 366;

function days(text: string): string[] {
  return text.split(' ');
}

/** Labour Code art. 112. Where they fall on a weekend they move, by a rule that a decree may change. */
const HOLIDAYS = new Set(days('01-01 01-02 01-03 01-04 01-05 01-06 01-07 01-08 02-23 03-08 05-01 05-09 06-12 11-04'));

export const SEEDED_YEARS: readonly ProductionYear[] = [
  {
    year: 2025,
    off: days('01-01 01-02 01-03 01-06 01-07 01-08 05-01 05-02 05-08 05-09 06-12 06-13 11-03 11-04 12-31'),
    working: ['11-01'],
    source: 'Government decree on moving days off in 2025',
    version: 1,
  },
  {
    year: 2026,
    off: days('01-01 01-02 01-05 01-06 01-07 01-08 01-09 02-23 03-09 05-01 05-11 06-12 11-04 12-31'),
    working: [],
    source: 'Government decree 1466 of 24.09.2025',
    version: 1,
  },
];

/** The Moscow date of a moment. */
export function moscowDate(ms: number): string {
  return new Date(ms + MOSCOW_OFFSET_MS).toISOString().slice(0, 10);
}

/** The last moment of a Moscow date. */
export function endOfMoscowDate(date: string): Date {
  return new Date(Date.parse(`${date}T00:00:00Z`) - MOSCOW_OFFSET_MS + DAY_MS - 1);
}

function dayAfter(date: string, days = 1): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

function isWeekend(date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`).getUTCDay();
  return day === 0 || day === 6;
}

function isWorking(date: string, year: ProductionYear | undefined): boolean {
  const day = date.slice(5);
  if (!year) return !isWeekend(date) && !HOLIDAYS.has(day);
  return isWeekend(date) ? year.working.includes(day) : !year.off.includes(day);
}

/** The `days`-th working day after a date. @throws for more than a year. */
export function addWorkingDays(from: string, days: number, years: readonly ProductionYear[]): Due {
  let [date, left, isProvisional] = [from, days, false];
  for (let step = 0; left > 0; step++) {
    if (step > DAYS_MAX) throw new Error('a term of working days is longer than a year');
    date = dayAfter(date);
    const year = years.find((one) => one.year === Number(date.slice(0, 4)));
    if (!year) isProvisional = true;
    if (isWorking(date, year)) left--;
  }
  return { date, isProvisional };
}

/** Calendar days after a date; weekends and holidays do not move it. */
export function addCalendarDays(from: string, days: number): Due {
  return { date: dayAfter(from, days), isProvisional: false };
}
