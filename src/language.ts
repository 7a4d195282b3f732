import type { Request } from 'express';

export const LANGUAGES = ['ru', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

function isLanguage(text: unknown): text is Language {
  return LANGUAGES.some((language) => language === text);
}

/** `?lang=` when given, else what the browser prefers, else English. */
export function chooseLanguage(request: Pick<Request, 'query' | 'acceptsLanguages'>): Language {
  const { lang } = request.query;
  if (isLanguage(lang)) return lang;
  const preferred = request.acceptsLanguages('en', 'ru');
  return isLanguage(preferred) ? preferred : 'en';
}
