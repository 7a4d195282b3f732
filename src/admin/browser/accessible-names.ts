import { type DocumentElement, page } from './window.ts';

/**
 * AdminJS leaves controls without names: its drawer of filters has labels that belong to no input, its buttons between
 * pages are bare arrows, and a table that is wider than the page cannot be scrolled by keys. Mended whenever the page changes.
 */

const FILTERS = '[data-css$=filter-drawer] input:not([aria-label]), [data-css$=filter-drawer] button:not([aria-label])';
const PAGES = '.adminjs_PaginationLink[data-testid]:not([aria-label])';
const TABLES = '[data-css$=table-wrapper]:not([tabindex])';

type Words = Readonly<Record<string, string>>;
const CLOSE: Words = { ru: 'Закрыть', en: 'Close' };
/** By the names that AdminJS gives its arrows for tests. */
const PAGE_WORDS: Readonly<Record<string, Words>> = {
  first: { ru: 'Первая страница', en: 'First page' },
  previous: { ru: 'Предыдущая страница', en: 'Previous page' },
  next: { ru: 'Следующая страница', en: 'Next page' },
  last: { ru: 'Последняя страница', en: 'Last page' },
};

function inLanguage(words: Words | undefined): string {
  return words?.[page.document.documentElement.lang] ?? words?.en ?? '';
}

/** The nearest label around an element. */
function wordsOver(element: DocumentElement): string {
  for (let around = element.parentElement; around; around = around.parentElement) {
    const label = around.querySelector('label')?.textContent.trim();
    if (label) return label;
    if (around.matches('form')) return '';
  }
  return '';
}

function nameOf(element: DocumentElement): string {
  if (!element.matches('button')) return wordsOver(element);
  if (element.textContent.trim() !== '') return element.textContent.trim();
  const isInField = element.matches('form section section *');
  return (isInField && wordsOver(element)) || inLanguage(CLOSE);
}

/** Begins to watch the page. */
export function nameControls(): void {
  const name = (element: DocumentElement, words: string) => {
    if (words !== '') element.setAttribute('aria-label', words);
  };
  const nameAll = () => {
    for (const element of page.document.querySelectorAll(FILTERS)) name(element, nameOf(element));
    for (const element of page.document.querySelectorAll(PAGES))
      name(element, inLanguage(PAGE_WORDS[element.getAttribute('data-testid') ?? '']));
    for (const element of page.document.querySelectorAll(TABLES)) element.setAttribute('tabindex', '0');
  };
  new page.MutationObserver(nameAll).observe(page.document.documentElement, { childList: true, subtree: true });
}
