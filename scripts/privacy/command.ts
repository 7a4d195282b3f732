import type { Config } from '../../src/config.ts';
import type { Logger } from '../../src/log.ts';
import type { AnswerSources } from '../../src/privacy/access-answer.ts';
import type { ContentCipher } from '../../src/privacy/content-key.ts';
import type { DeletionJournal } from '../../src/privacy/deletion-journal.ts';
import type { createKeyStore } from '../../src/privacy/key-store.ts';
import { UsageError } from '../environment.ts';

/** What the commands of `npm run privacy` are made of. */

export type Values = Partial<
  Record<
    | 'by'
    | 'account'
    | 'type'
    | 'contact'
    | 'received'
    | 'identity'
    | 'reason'
    | 'out'
    | 'hash'
    | 'file'
    | 'kind'
    | 'language'
    | 'recipient',
    string
  >
>;
export type Context = {
  sources: AnswerSources;
  installation: { config: Config; log: Logger };
  cipher: ContentCipher;
  keys: ReturnType<typeof createKeyStore>;
  journal: DeletionJournal;
};
export type Command = (context: Context) => Promise<string>;

export function needed(values: Values, name: keyof Values): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

export function oneOf<const T extends string>(option: string, allowed: readonly T[], text: string): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new UsageError(`${option}: "${text}" is not one of ${allowed.join(', ')}`);
  return found;
}
