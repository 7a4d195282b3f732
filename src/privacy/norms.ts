import type { Retention } from './data-class.ts';

/** Legal bases and terms that several rows of the registry share. */

export const CONTRACT = '152-FZ art. 6(1)(5): performance of the contract with the customer';
export const BOOKS = '402-FZ art. 29(1); Tax Code art. 23(1)(8)';
export const BOOKS_UNTIL = 'five full years after the reporting year';
export const DESTRUCTION = '152-FZ art. 21(7); RKN Order 179 p. 8';
export const LIMITATION = 'Civil Code art. 196: limitation of three years';
export const SECURITY = '152-FZ art. 19: security of processing';

export const days = (value: number, min: number, max: number, from: string, reason: string): Retention => ({
  unit: 'days',
  default: value,
  min,
  max,
  from,
  reason,
});
export const books = (from: string): Retention => ({
  unit: 'years',
  default: 5,
  min: 5,
  max: 10,
  from,
  reason: 'primary accounting and tax documents',
});
