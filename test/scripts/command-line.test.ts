import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { BadCommandLine, readNumber, readWhole } from '../../scripts/command-line.ts';

/** What the long proofs do with a command line. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
type Ended = { code: unknown; out: string; err: string };

function run(name: string, ...words: string[]): Promise<Ended> {
  const args = ['--import', 'tsx', `scripts/${name}.ts`, ...words];
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: ROOT, timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    ),
  );
}

describe.each([
  ['chaos', ['--requests', '1.5']],
  ['crash-points', ['--passages', '0']],
  ['properties', ['--runs', 'many']],
  ['simulate', ['--mutant', 'none-of-that-name']],
  ['storms', ['write']],
])('%s', (name, mistake) => {
  test('tells how it is used when it is asked, and when it does not understand', async () => {
    const [asked, unknown, wrong] = await Promise.all([
      run(name, '--help'),
      run(name, '--nonsense'),
      run(name, ...mistake),
    ]);
    expect(asked).toMatchObject({ code: 0, err: '' });
    expect(asked.out).toMatch(`Usage: npm run ${name} -- [options]`);
    for (const { code, out, err } of [unknown, wrong]) {
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(asked.out.trim());
      expect(err).not.toMatch(/^ +at /m);
    }
  });
});

test('a number has its bounds, and what is counted is whole', () => {
  const bounds = { fallback: 3, min: 1, max: 10 };
  expect([undefined, '1', '2.5', '10'].map((text) => readNumber('rate', text, bounds))).toEqual([3, 1, 2.5, 10]);
  for (const text of ['0', '10.1', 'x', 'NaN', 'Infinity', ''])
    expect(() => readNumber('rate', text, bounds)).toThrow(BadCommandLine);
  expect(readWhole('seeds', '7', bounds)).toBe(7);
  expect(() => readWhole('seeds', '2.5', bounds)).toThrow('--seeds');
});
