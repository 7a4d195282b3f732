import { z } from 'zod';
import { enterYear } from '../privacy/calendar-store.ts';
import { recomputeDue } from '../privacy/privacy-requests.ts';
import { operation, personOf, reason } from './define.ts';

/** The command about the production calendar, which the terms of data subjects' requests run by. */

/** `01-09 05-11`, with anything between that is no part of a day. */
const days = z
  .string()
  .trim()
  .max(1_000)
  .transform((text) => text.split(/[\s,;]+/).filter((day) => day !== ''));

export const CALENDAR_OPERATIONS = {
  'calendar.enter': operation(
    'privacy.execute',
    undefined,
    z.strictObject({
      year: z
        .string()
        .trim()
        .regex(/^20\d\d$/, 'is not a year such as 2027')
        .transform(Number),
      off: days,
      working: days.optional(),
      decree: z.string().trim().min(5).max(200),
      reason,
    }),
    async ({ year, off, working = [], decree }, { actor }) => {
      const by = personOf(actor);
      await enterYear({ year, off, working, source: decree, by });
      const changed = await recomputeDue(by);
      return { madeId: `${year}, ${changed} requests have another date` };
    },
  ),
};
