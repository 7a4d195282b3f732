import { parseArgs } from 'node:util';
import { type Effort, FULL, QUICK } from './steps.ts';

export const USAGE = `Usage: npm run bench -- [options]

  --quick               about a minute: fewer steps, one repetition
  --write               keep the report in docs/benchmarks.md
  --json <file>         keep everything measured in a file
  --reps <number>       repetitions of each step; figures are their medians
  --rates <100,200>     open-loop rates, requests per second
  --clients <32,128>    clients of the closed loops
  --streams <50,200>    concurrent streams
  --seconds <number>    measured window of a step
  --accounts <number>   client accounts that send in turn (default 1; more streams than 250 per account get more)
  --workers <number>    worker processes (default 1)
  --mongodb-uri <uri>   measure with this MongoDB; a database of its own is made and dropped
  --only <what>         latency, closed, streams, long, hot, alone, webhooks, books; with commas (default: all);
                        alone: the parts of a request, of which those that are called get every step in turn
  --foreign <cores>     what others may use before a step counts as disturbed and is repeated (default 0.3)
  --profile <folder>    write CPU profiles of api and workers there
  --no-peer             leave out the gateway that the figures are compared with`;

export const PARTS = ['latency', 'closed', 'streams', 'long', 'hot', 'alone', 'webhooks', 'books'] as const;
export type Part = (typeof PARTS)[number];

export type Options = {
  effort: Effort;
  quick: boolean;
  write: boolean;
  jsonFile: string | undefined;
  accounts: number;
  workers: number;
  mongoUri: string | undefined;
  parts: ReadonlySet<Part>;
  foreignCoresMax: number;
  profileDir: string | undefined;
  peer: boolean;
};

/** The command line cannot be understood. */
export class BadOption extends Error {
  override readonly name = 'BadOption';
}

function number(name: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value >= min && value <= max)) throw new BadOption(`--${name}: a number from ${min} to ${max} is needed`);
  return value;
}

function numbers(name: string, text: string | undefined, fallback: readonly number[], max: number): readonly number[] {
  if (text === undefined) return fallback;
  const values = text.split(',').map(Number);
  if (values.length > 10 || values.some((value) => !(Number.isInteger(value) && value >= 1 && value <= max)))
    throw new BadOption(`--${name}: at most ten whole numbers from 1 to ${max}, with commas`);
  return values;
}

function parts(text: string | undefined): ReadonlySet<Part> {
  if (text === undefined) return new Set(PARTS);
  const names = text.split(',').map((name) => PARTS.find((part) => part === name));
  const known = names.filter((name) => name !== undefined);
  if (known.length !== names.length) throw new BadOption(`--only: of ${PARTS.join(', ')}`);
  return new Set(known);
}

/** @throws BadOption */
export function parseOptions(words: readonly string[]): Options {
  const { values } = read(words);
  const base = values.quick ? QUICK : FULL;
  const windowMs = number('seconds', values.seconds, base.windowMs / 1_000, 0.5, 60) * 1_000;
  return {
    effort: {
      ...base,
      windowMs,
      repetitions: Math.round(number('reps', values.reps, base.repetitions, 1, 20)),
      rates: numbers('rates', values.rates, base.rates, 20_000),
      clients: numbers('clients', values.clients, base.clients, 2_000),
      streams: numbers('streams', values.streams, base.streams, 2_000),
    },
    quick: values.quick === true,
    write: values.write === true,
    jsonFile: values.json,
    accounts: Math.round(number('accounts', values.accounts, 1, 1, 1_000)),
    workers: Math.round(number('workers', values.workers, 1, 1, 16)),
    mongoUri: values['mongodb-uri'],
    parts: parts(values.only),
    foreignCoresMax: number('foreign', values.foreign, 0.3, 0, 1_000),
    profileDir: values.profile,
    peer: values['no-peer'] !== true,
  };
}

function read(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...words],
      options: {
        quick: flag,
        write: flag,
        json: text,
        reps: text,
        rates: text,
        clients: text,
        streams: text,
        seconds: text,
        accounts: text,
        workers: text,
        'mongodb-uri': text,
        only: text,
        foreign: text,
        profile: text,
        'no-peer': flag,
      },
    });
  } catch (error) {
    throw new BadOption(error instanceof Error ? error.message : String(error));
  }
}
