import { readFileSync } from 'node:fs';

/** Variables of the environment, and those given as files: secrets are files, not environment. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The values that are set, with the content of the file for every `NAME_FILE`.
 * @param isKnown whether a variable of this name is read at all; files of others are left alone.
 * @param problems gets a sentence for each file that cannot be read.
 */
export function withFiles(
  environment: Environment,
  isKnown: (target: string) => boolean,
  problems: string[],
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && value !== '') values[name] = value;
  for (const name of Object.keys(environment).filter((key) => key.endsWith('_FILE'))) {
    const target = name.slice(0, -'_FILE'.length);
    const path = environment[name];
    if (!path || !isKnown(target)) continue;
    try {
      values[target] = readFileSync(path, 'utf8').trim();
    } catch {
      problems.push(`${name}: the file cannot be read`);
    }
  }
  return values;
}
