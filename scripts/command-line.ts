/** The command line cannot be understood; how it is used is shown with it. */
export class BadCommandLine extends Error {
  override readonly name = 'BadCommandLine';
}

/** A whole or fractional number of a command line. @throws BadCommandLine */
export function readNumber(
  name: string,
  text: string | undefined,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value >= min && value <= max)) throw new BadCommandLine(`--${name}: a number from ${min} to ${max} is needed`);
  return value;
}

/** The same for what is counted. @throws BadCommandLine */
export function readWhole(...asked: Parameters<typeof readNumber>): number {
  const value = readNumber(...asked);
  if (!Number.isInteger(value)) throw new BadCommandLine(`--${asked[0]}: a whole number is needed`);
  return value;
}

const isMistake = (error: unknown): error is Error =>
  error instanceof BadCommandLine ||
  (error instanceof TypeError && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS'));

/**
 * What this process was asked for. `--help` ends it with code 0, a mistake with 1; both show `usage`.
 * @param read throws BadCommandLine, or what `parseArgs` throws.
 */
export function readCommandLine<Asked>(usage: string, read: (words: string[]) => Asked): Asked {
  const words = process.argv.slice(2);
  if (words.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return read(words);
  } catch (error) {
    if (!isMistake(error)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(1);
  }
}
