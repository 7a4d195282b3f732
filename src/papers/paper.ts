/** An official paper as data: what it says, whatever it is printed as (PDF, HTML, plain text). */

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'facts'; facts: readonly (readonly [label: string, value: string])[] }
  | {
      kind: 'table';
      head: readonly string[];
      rows: readonly (readonly string[])[];
      /** Widths relative to each other; equal when left out. */
      widths?: readonly number[];
    }
  /** A line to sign on by hand. */
  | { kind: 'signature'; label: string; who: string };

export type Paper = {
  language: 'ru' | 'en';
  title: string;
  subtitle: string;
  blocks: readonly Block[];
  /** On every page, before its number. */
  footer: string;
};
