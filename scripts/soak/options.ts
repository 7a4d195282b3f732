import { parseArgs } from 'node:util';
import { BadCommandLine, readNumber } from '../command-line.ts';
import { LEAKS, type Leak } from './leak.ts';

export const USAGE = `Usage: npm run soak -- [options]

Keeps the built product at a share of its capacity, with every fifth client leaving in the middle of its stream, and checks
that nothing grows: memory, open files, Redis keys, logs, the delay of the event loop.

  --minutes <number>    how long it is watched after the warm-up (default 15)
  --share <percent>     load as a share of the capacity, which is measured first (default 60)
  --leak <what>         rss, fd or keys: leaks it on purpose beside the product; the soak must fail
  --write               keep the result in docs/reliability.md
  --json <file>         keep all samples in a file
  --mongodb-uri <uri>   use this MongoDB; a database of its own is made and dropped`;

export type SoakOptions = {
  minutes: number;
  share: number;
  leak: Leak | undefined;
  write: boolean;
  jsonFile: string | undefined;
  mongoUri: string | undefined;
};

/** @throws BadCommandLine */
export function parseOptions(words: readonly string[]): SoakOptions {
  const values = read(words);
  const leak = LEAKS.find((one) => one === values.leak);
  if (values.leak !== undefined && leak === undefined) throw new BadCommandLine(`--leak: one of ${LEAKS.join(', ')}`);
  return {
    minutes: readNumber('minutes', values.minutes, { fallback: 15, min: 0.5, max: 240 }),
    share: readNumber('share', values.share, { fallback: 60, min: 5, max: 95 }) / 100,
    leak,
    write: values.write === true,
    jsonFile: values.json,
    mongoUri: values['mongodb-uri'],
  };
}

function read(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = { minutes: text, share: text, leak: text, write: flag, json: text, 'mongodb-uri': text };
    return parseArgs({ args: [...words], options }).values;
  } catch (error) {
    throw new BadCommandLine(error instanceof Error ? error.message : String(error));
  }
}
