import { readFileSync } from 'node:fs';

/** The name and, where the line shows it, the default of every variable that src/config.ts reads. */
export function configVariables(): { name: string; declaration: string }[] {
  const text = readFileSync(new URL('../../src/config.ts', import.meta.url), 'utf8');
  const table = /const variables = z\.object\(\{\n([\s\S]*?)\n\}\);/.exec(text)?.[1];
  if (table === undefined) throw new Error('the table of variables in src/config.ts was not found');
  const found = [...table.matchAll(/^ {2}([A-Z][A-Z0-9_]*): ([\s\S]*?),$/gm)];
  return found.map(([, name = '', declaration = '']) => ({ name, declaration }));
}
