import { describe, expect, test } from '@jest/globals';
import {
  PRIVACY_REQUEST_STATES,
  PRIVACY_REQUEST_TYPES,
  type PrivacyRequestType,
} from '../../src/models/privacy-request.ts';
import { OPERATION_NAMES } from '../../src/operations/catalogue.ts';
import {
  addCalendarDays,
  addWorkingDays,
  endOfMoscowDate,
  moscowDate,
  SEEDED_YEARS,
} from '../../src/privacy/calendar.ts';
import { isFinal, isPastReturn, nextState, REQUEST_EVENTS } from '../../src/privacy/request-machine.ts';
import { dueOf, REQUEST_TERMS } from '../../src/privacy/request-terms.ts';

const due = (type: PrivacyRequestType, from: string, isExtended = false) =>
  dueOf({ type }, from, SEEDED_YEARS, isExtended);

describe('terms', () => {
  test.each([
    ['access of Fri 24 Apr 2026, over the May holidays', 'access', '2026-04-24', false, '2026-05-12'],
    ['the same, extended by five working days', 'access', '2026-04-24', true, '2026-05-19'],
    ['rectification proven on Fri 6 Mar 2026', 'rectify', '2026-03-06', false, '2026-03-18'],
    ['consent withdrawn on 15 Dec 2026: calendar days', 'withdraw_consent', '2026-12-15', false, '2027-01-14'],
    ['an account closed in May: calendar days too', 'erase_account', '2026-05-01', false, '2026-05-31'],
    ['unlawful processing over New Year 2026', 'erase_unlawful', '2025-12-30', false, '2026-01-20'],
    ['a block: at once', 'block', '2026-04-24', false, '2026-04-24'],
  ] as const)('%s', (_name, type, from, isExtended, date) => {
    expect(due(type, from, isExtended)).toEqual({ date, isProvisional: false });
  });

  test('a year without a calendar gives the earlier date, and says that it is provisional', () => {
    expect(due('access', '2026-12-30')).toEqual({ date: '2027-01-22', isProvisional: true });
    const moved = {
      year: 2027,
      off: ['01-01', '01-04', '01-05', '01-06', '01-07', '01-08', '01-11'],
      working: [],
      source: 'a decree',
      version: 1,
    };
    expect(dueOf({ type: 'access' }, '2026-12-30', [...SEEDED_YEARS, moved])).toEqual({
      date: '2027-01-25',
      isProvisional: false,
    });
  });

  test('a Saturday that is worked counts', () => {
    expect(addWorkingDays('2025-10-31', 1, SEEDED_YEARS).date).toBe('2025-11-01');
    expect(addWorkingDays('2025-10-31', 2, SEEDED_YEARS).date).toBe('2025-11-05');
    const year = { year: 2027, off: ['11-04', '11-05'], working: ['11-13'], source: 'a forecast', version: 1 };
    expect(addWorkingDays('2027-11-12', 1, [year])).toEqual({ date: '2027-11-13', isProvisional: false });
  });

  test('days are those of Moscow: a request of 21:30 UTC came the next day', () => {
    expect(moscowDate(Date.parse('2026-04-23T21:30:00Z'))).toBe('2026-04-24');
    expect(endOfMoscowDate('2026-05-12')).toEqual(new Date('2026-05-12T20:59:59.999Z'));
    expect(addCalendarDays('2028-02-28', 1).date).toBe('2028-02-29');
  });

  test('only information and the demand to stop can be extended', () => {
    const extendable = PRIVACY_REQUEST_TYPES.filter((type) => REQUEST_TERMS[type].extensionDays > 0);
    expect(extendable).toEqual(['access', 'stop_processing']);
  });
});

describe('the state machine', () => {
  const steps = PRIVACY_REQUEST_STATES.flatMap((from) =>
    REQUEST_EVENTS.flatMap((event) => {
      const to = nextState(from, event);
      return to ? [{ from, event, to }] : [];
    }),
  );

  test('knows no way back from the point of no return', () => {
    const back = steps.filter(({ from, to }) => isPastReturn(from) && !isPastReturn(to));
    expect(back).toEqual([]);
  });

  test('reaches an execution only by an approval, and an approval only by a plan of a verified request', () => {
    const into = (state: string) =>
      new Set(steps.filter(({ to, from }) => to === state && from !== state).map(({ from }) => from));
    expect(into('executing')).toEqual(new Set(['scheduled', 'failed']));
    expect(into('scheduled')).toEqual(new Set(['awaiting_approval']));
    expect(into('awaiting_approval')).toEqual(new Set(['planned']));
    expect(into('planned')).toEqual(new Set(['verified', 'awaiting_approval', 'scheduled']));
    // Not from a hold that began before anybody knew who asks.
    expect(steps.filter(({ to }) => to === 'on_hold').map(({ from }) => from)).not.toContain('received');
    expect(steps.filter(({ to }) => to === 'on_hold').map(({ from }) => from)).not.toContain('awaiting_identity');
  });

  test('has an end for every state, and states that end', () => {
    const final = PRIVACY_REQUEST_STATES.filter(isFinal);
    expect(final).toEqual([
      'completed',
      'completed_with_retained',
      'refused',
      'cancelled',
      'unverified_expired',
      'duplicate',
    ]);
    const reachesEnd = (state: (typeof PRIVACY_REQUEST_STATES)[number], seen: Set<string>): boolean =>
      isFinal(state) ||
      (!seen.has(state) && steps.some(({ from, to }) => from === state && reachesEnd(to, new Set([...seen, state]))));
    expect(PRIVACY_REQUEST_STATES.filter((state) => !reachesEnd(state, new Set()))).toEqual([]);
  });

  test('has somebody who causes every event: a command of staff, or the workers', () => {
    const byWorkers = ['begin', 'destroyed', 'fail', 'complete', 'complete_with_retained'];
    const caused = (event: string) => OPERATION_NAMES.some((name) => name === `privacy.${event.replace('_', '-')}`);
    expect(REQUEST_EVENTS.filter((event) => !byWorkers.includes(event) && !caused(event))).toEqual([]);
  });
});
