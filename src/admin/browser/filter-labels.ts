import { type DocumentElement, page } from './window.ts';

/**
 * AdminJS' drawer of filters has labels that belong to no input, and a button without a name. Whenever the page changes,
 * each input is told the words that stand over it.
 */

const UNNAMED = '[data-css$=filter-drawer] input:not([aria-label]), [data-css$=filter-drawer] button:not([aria-label])';
const CLOSE: Readonly<Record<string, string>> = { ru: 'Закрыть', en: 'Close' };

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
  return (isInField && wordsOver(element)) || CLOSE[page.document.documentElement.lang] || 'Close';
}

/** Begins to watch the page. */
export function nameFilters(): void {
  const nameAll = () => {
    for (const element of page.document.querySelectorAll(UNNAMED)) {
      const name = nameOf(element);
      if (name !== '') element.setAttribute('aria-label', name);
    }
  };
  new page.MutationObserver(nameAll).observe(page.document.documentElement, { childList: true, subtree: true });
}
