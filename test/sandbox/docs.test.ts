import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { faults } from '../../src/sandbox/faults.ts';
import { parameters } from '../../src/sandbox/script.ts';

test('docs/sandbox.md describes every key and every fault, and no others', async () => {
  const text = await readFile(new URL('../../docs/sandbox.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| `[^`]+` \| /u.test(line) && !line.includes('SANDBOX_'));
  const described = Object.entries({ ...parameters, ...faults }).map(
    ([name, { description }]) => `| \`${name}\` | ${description} |`,
  );
  expect(rows.sort()).toEqual(described.sort());
});
