import { readFileSync } from 'node:fs';

type Variable = { name: string; declaration: string };

/** The name and, where the line shows it, the default of every variable that the configuration reads. */
export function configVariables(): Variable[] {
  return ['config', 'keeping-config'].flatMap(variablesOf);
}

function variablesOf(file: string): Variable[] {
  const text = readFileSync(new URL(`../../src/${file}.ts`, import.meta.url), 'utf8');
  const table = /const variables = z\.object\(\{\n([\s\S]*?)\n\}\);/.exec(text)?.[1];
  if (table === undefined) throw new Error(`the table of variables in src/${file}.ts was not found`);
  const found = [...table.matchAll(/^ {2}([A-Z][A-Z0-9_]*): ([\s\S]*?),$/gm)];
  return found.map(([, name = '', declaration = '']) => ({ name, declaration }));
}
