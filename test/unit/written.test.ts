import { expect, it } from '@jest/globals';
import { linesText, momentText, moneyText, spanText, zoneText } from '../../src/admin/browser/written.ts';

/** How the panel writes for people, checked without a browser. */

const ZONE = 'Asia/Yekaterinburg';
const AT = Date.UTC(2026, 10, 26, 19, 20, 44);

it('writes moments in the zone of whoever looks, and says which it is', () => {
  expect(momentText(AT, 'ru', ZONE)).toBe('27.11.2026, 00:20:44');
  expect(momentText(new Date(AT).toISOString(), 'en', ZONE)).toBe('27/11/2026, 00:20:44');
  expect(momentText('never', 'en', ZONE)).toBe('never');
  expect(zoneText(AT, ZONE)).toBe('UTC+5');
  expect(zoneText(AT, 'UTC')).toBe('UTC');
  expect(zoneText(AT, 'Asia/Kolkata')).toBe('UTC+5:30');
});

it.each([
  [0, '0 ms', '0 мс'],
  [42.4, '42 ms', '42 мс'],
  [1_234, '1.23 s', '1,23 с'],
  [12_340, '12.3 s', '12,3 с'],
  [90_000, '1.5 min', '1,5 мин'],
  [14_400_000, '4 h', '4 ч'],
  [30 * 86_400_000, '30 d', '30 сут'],
])('writes %d ms as %s and %s', (ms, en, ru) => {
  expect([spanText(ms, 'en'), spanText(ms, 'ru')]).toEqual([en, ru]);
});

it.each([
  ['0 ₽', '0\u00a0₽', '0\u00a0₽'],
  ['7.5 ₽', '7.5\u00a0₽', '7,5\u00a0₽'],
  ['-1234567.000001 ₽', '−1,234,567.000001\u00a0₽', '−1\u00a0234\u00a0567,000001\u00a0₽'],
  ['9007199254740993.1 ₽', '9,007,199,254,740,993.1\u00a0₽', '9\u00a0007\u00a0199\u00a0254\u00a0740\u00a0993,1\u00a0₽'],
  ['about 5 ₽', 'about 5 ₽', 'about 5 ₽'],
])('writes %s to the last digit', (text, en, ru) => {
  expect([moneyText(text, 'en'), moneyText(text, 'ru')]).toEqual([en, ru]);
});

it('writes the moments and milliseconds of lines', () => {
  const lines = '2026-11-26T19:20:44.057Z  sandbox  ok  200  2 ms\n2026-11-26T19:20:50.192Z  dns_failed  4000 ms';
  expect(linesText(lines, 'ru', ZONE)).toBe(
    '27.11.2026, 00:20:44  sandbox  ok  200  2 мс\n27.11.2026, 00:20:50  dns_failed  4 с',
  );
});
