import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { OPERATIONS } from '../src/api/openapi.ts';
import { configVariables } from './helpers/config-names.ts';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

/** The default a declaration in src/config.ts gives, as docs/configuration.md writes it; `undefined` when it has none. */
function defaultOf(declaration: string): string | undefined {
  const number = /^(?:integer|seconds|percent)\(([\d_.* ]+)/.exec(declaration)?.[1];
  if (number !== undefined) {
    const factors = number.split('*').map((factor) => Number(factor.replaceAll('_', '').trim()));
    return String(factors.reduce((product, factor) => product * factor, 1));
  }
  return declaration === 'flag' ? 'false' : /\.default\('([^']*)'\)/.exec(declaration)?.[1];
}

function documented(): Map<string, string> {
  const rows = [...read('docs/configuration.md').matchAll(/^\| `([A-Z0-9_]+)` \| ([^|]*) \|/gm)];
  return new Map(rows.map(([, name = '', value = '']) => [name, value.replaceAll('`', '').trim()]));
}

describe('docs/configuration.md', () => {
  const rows = documented();

  it.each(configVariables())('lists $name with its true default', ({ name, declaration }) => {
    expect([...rows.keys()]).toContain(name);
    const expected = defaultOf(declaration);
    if (expected) expect(rows.get(name)).toBe(expected);
    else expect(rows.get(name)).toMatch(/^(none|empty|http:\/\/(API|ADMIN)_HOST:(API|ADMIN)_PORT)$/);
  });

  it('lists no variable that nothing reads', () => {
    const known = new Set(configVariables().map(({ name }) => name));
    const unknown = [...rows.keys()].filter((name) => !known.has(name) && !/^OCELOTIQ_[A-Z_]+$/.test(name));
    expect(unknown).toEqual([]);
  });
});

describe('docs/back-office.md', () => {
  it('names tests that are there', () => {
    const named = [...read('docs/back-office.md').matchAll(/`(test\/[\w/.-]+)`/g)].map(([, file = '']) => file);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([]);
  });
});

describe('README.md', () => {
  it('names only npm scripts and files that exist', () => {
    const text = read('README.md');
    const { scripts } = JSON.parse(read('package.json'));
    for (const [, name = ''] of text.matchAll(/npm run ([a-z]+(?:-[a-z]+)*)/g))
      expect(Object.keys(scripts)).toContain(name);
    for (const [, file = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) expect(read(file)).not.toBe('');
  });

  it('lists every public operation', () => {
    const text = read('README.md');
    for (const { path } of OPERATIONS) expect(text).toContain(path.replace(/\{\w+\}/, '{id}'));
  });
});
