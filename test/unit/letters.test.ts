import { expect, it } from '@jest/globals';
import type { PrivacyRequestDocument } from '../../src/models/privacy-request.ts';
import { renderPdf } from '../../src/papers/pdf.ts';
import { renderText } from '../../src/papers/plain-text.ts';
import { LETTER_KINDS, letterPaper, lettersOf } from '../../src/privacy/letters.ts';
import type { Operator } from '../../src/privacy/operator.ts';

/** Letters to data subjects, made of the request's row alone. */

const OPERATOR: Operator = {
  name: 'ООО «Пример»',
  address: 'Москва',
  inn: '7700000000',
  email: '',
  executor: 'Иванов И. И.',
  processors: '',
};
const at = new Date('2026-05-12T09:00:00Z');
const request = (given: Partial<PrivacyRequestDocument>): PrivacyRequestDocument => ({
  _id: 'dsr_01',
  accountId: 'acc_01',
  type: 'erase_account',
  state: 'verified',
  channel: 'letter',
  receivedAt: new Date('2026-04-24T09:00:00Z'),
  dueAt: new Date('2026-05-19T20:59:59Z'),
  isProvisional: false,
  checkpoints: [],
  history: [],
  ...given,
});
const text = (kind: (typeof LETTER_KINDS)[number], language: 'ru' | 'en', given: Partial<PrivacyRequestDocument>) =>
  renderText(letterPaper(kind, request(given), OPERATOR, { language, at }));

it('tells with the completion what is kept, by which norm and until when, in words of the language', () => {
  const given: Partial<PrivacyRequestDocument> = {
    state: 'completed_with_retained',
    actNumber: 7,
    retained: [
      {
        classId: 'ledger',
        category: '',
        action: 'keep',
        rows: 1,
        norm: '402-FZ art. 29(1); Tax Code art. 23(1)(8)',
        until: 'five full years after the reporting year',
      },
    ],
  };
  const russian = text('completion', 'ru', given);
  expect(russian).toContain('№ 7');
  expect(russian).toMatch(/движения по балансу; .*402-ФЗ.*; пять полных лет/);
  expect(russian).not.toMatch(/FZ art|undefined/);
  expect(text('completion', 'en', given)).toMatch(/movements of the balance; 402-FZ.*; five full years/);
});

it('gives the reason and the remedy with a refusal, and the new date with an extension', () => {
  const refuse = { at, by: 'anna', event: 'refuse', state: 'refused', note: 'ч. 8 ст. 14' } as const;
  expect(text('refusal', 'ru', { state: 'refused', history: [refuse] })).toMatch(/ч\. 8 ст\. 14[\s\S]*Роскомнадзор/);
  const extend = { at, by: 'anna', event: 'extend', state: 'verified', note: 'many archives' } as const;
  const extended = text('extension', 'en', { type: 'access', extendedAt: at, history: [extend] });
  expect(extended).toContain('19 May 2026');
  expect(extended).toContain('many archives');
});

it('is refused where the request gives no reason for it', () => {
  expect(lettersOf(request({}))).toEqual([]);
  for (const kind of LETTER_KINDS) expect(() => text(kind, 'ru', {})).toThrow('has no letter');
});

it('is a PDF as well', async () => {
  const paper = letterPaper('refusal', request({ state: 'refused' }), OPERATOR, { language: 'ru', at });
  expect((await renderPdf(paper)).subarray(0, 5).toString()).toBe('%PDF-');
});
