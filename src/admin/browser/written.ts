/** How moments, spans of time and money are written: in the language and the time zone of whoever looks. Pure. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const UNITS = {
  en: { ms: 'ms', s: 's', min: 'min', h: 'h', d: 'd' },
  ru: { ms: 'мс', s: 'с', min: 'мин', h: 'ч', d: 'сут' },
} as const;
const MOMENT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const MILLISECONDS = /\b(\d+) ms\b/g;
const RUBLES = /^([-−]?)(\d+)(?:\.(\d+))? ₽$/;
const THREE_FROM_THE_END = /\B(?=(\d{3})+$)/g;

function unitsOf(language: string) {
  return language === 'ru' ? UNITS.ru : UNITS.en;
}

/** English is not American here. */
export function localeOf(language: string): string {
  return language === 'en' ? 'en-GB' : language;
}

/** A moment to the second; a text that is none stays as it is. @param zone the browser's own, unless another is given. */
export function momentText(at: string | number, language: string, zone?: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return String(at);
  return moment.toLocaleString(localeOf(language), { dateStyle: 'short', timeStyle: 'medium', timeZone: zone });
}

/** The zone of all moments on the page, such as `UTC+3`. */
export function zoneText(atMs: number, zone?: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'shortOffset' }).formatToParts(atMs);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  return name.replace('GMT', 'UTC').replace(/\+0$/, '');
}

/** A span of time in the largest unit that says enough. */
export function spanText(ms: number, language: string): string {
  const { ms: millisecond, s, min, h, d } = unitsOf(language);
  const number = (value: number, digits: number) =>
    value.toLocaleString(localeOf(language), { maximumFractionDigits: digits });
  if (ms < SECOND_MS) return `${Math.round(ms)} ${millisecond}`;
  if (ms < MINUTE_MS) return `${number(ms / SECOND_MS, ms < 10 * SECOND_MS ? 2 : 1)} ${s}`;
  if (ms < HOUR_MS) return `${number(ms / MINUTE_MS, 1)} ${min}`;
  return ms < 2 * DAY_MS ? `${number(ms / HOUR_MS, 1)} ${h}` : `${number(ms / DAY_MS, 1)} ${d}`;
}

/** `-1234.5 ₽` as people write it, to the last digit; any other text stays as it is. */
export function moneyText(text: string, language: string): string {
  const [, sign, whole = '', part] = RUBLES.exec(text) ?? [];
  if (sign === undefined) return text;
  const [gap, point] = language === 'ru' ? ['\u00a0', ','] : [',', '.'];
  const minus = sign === '' ? '' : '−';
  return `${minus}${whole.replace(THREE_FROM_THE_END, gap)}${part === undefined ? '' : `${point}${part}`}\u00a0₽`;
}

/** Lines of ours, such as attempts: their moments and milliseconds. */
export function linesText(text: string, language: string, zone?: string): string {
  return text
    .replace(MOMENT, (at) => momentText(at, language, zone))
    .replace(MILLISECONDS, (_, ms: string) => spanText(Number(ms), language));
}
