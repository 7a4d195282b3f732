import { parseArgs } from 'node:util';
import { BadCommandLine, readNumber } from '../command-line.ts';

export const USAGE = `Usage: npm run overload -- [options]

Measures the capacity of the built product, then offers half of it up to four times of it at fixed times, and checks that
what is accepted keeps its latency, that the rest is refused early, and that money and reads do not notice.

  --seconds <number>    measured window of each step (default 20)
  --bound <what>        what limits the capacity: slots (default: the workers' places for calls that take one to three
                        seconds, as with models) or cpu (an upstream that answers at once, so that the processor is the limit)
  --slots <number>      places of the worker when they are the bound (default 100)
  --write               keep the table in docs/reliability.md
  --json <file>         keep all figures in a file
  --mongodb-uri <uri>   use this MongoDB; a database of its own is made and dropped`;

export const BOUNDS = ['slots', 'cpu'] as const;
export type Bound = (typeof BOUNDS)[number];

export type OverloadOptions = {
  windowMs: number;
  bound: Bound;
  slots: number;
  write: boolean;
  jsonFile: string | undefined;
  mongoUri: string | undefined;
};

/** @throws BadCommandLine */
export function parseOptions(words: readonly string[]): OverloadOptions {
  const values = read(words);
  const bound = BOUNDS.find((one) => one === (values.bound ?? 'slots'));
  if (bound === undefined) throw new BadCommandLine(`--bound: one of ${BOUNDS.join(', ')}`);
  return {
    windowMs: readNumber('seconds', values.seconds, { fallback: 20, min: 3, max: 60 }) * 1_000,
    bound,
    slots: Math.round(readNumber('slots', values.slots, { fallback: 100, min: 10, max: 400 })),
    write: values.write === true,
    jsonFile: values.json,
    mongoUri: values['mongodb-uri'],
  };
}

function read(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = { seconds: text, bound: text, slots: text, write: flag, json: text, 'mongodb-uri': text };
    return parseArgs({ args: [...words], options }).values;
  } catch (error) {
    throw new BadCommandLine(error instanceof Error ? error.message : String(error));
  }
}
