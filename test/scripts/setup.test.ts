import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

function evaluate(code: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr);
  return stdout.trim();
}

describe('the set-up of a fresh clone', () => {
  it.each([
    ['18.20.4', true],
    ['20.18.3', true],
    ['20.19.0', false],
    ['22.0.0', false],
    ['26.1.0', false],
  ])('judges Node %s: too old is %s', (version, tooOld) => {
    const said = evaluate(
      `import { nodeProblem } from './scripts/setup/check-node.mjs'; console.log(nodeProblem('${version}'));`,
    );
    expect(said !== '').toBe(tooOld);
    if (tooOld) expect(said).toMatch(/needs 20\.19 or newer/);
  });

  it('finds the installed packages as the lockfile wants them, and installs nothing', () => {
    const code = `import { setUp } from './scripts/setup.mjs';
      import { createProgress } from './scripts/setup/progress.mjs';
      await setUp(createProgress(), 'packages');`;
    expect(evaluate(code)).toBe('');
  });
});
