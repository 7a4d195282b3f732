import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Long versions take what they take. */
const RUN_MS_MAX = 24 * 3_600_000;

/**
 * Runs tests as `npm test -- ARGUMENTS` does, with more environment; the output goes to the terminal.
 * @returns the head line of a report, with the engines.
 */
export async function testRun(
  root: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ ok: boolean; about: string }> {
  const about = aboutRun(root);
  const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-engines-'));
  const engines = join(folder, 'engines.txt');
  try {
    const child = spawn(process.execPath, [join(root, 'scripts', 'test.mjs'), ...args], {
      cwd: root,
      env: { TESTS_MS_MAX: String(RUN_MS_MAX), ...process.env, ...environment, ENGINES_REPORT: engines },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const stop = (signal: NodeJS.Signals) => child.kill(signal);
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    const ok = code === 0;
    return { ok, about: ok ? `${about}, ${readFileSync(engines, 'utf8')}` : about };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** When, what and on what: the head line of every report. */
export function aboutRun(root: string): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const cpu = cpus();
  return `${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${process.versions.node}, ${cpu.length} cores (${cpu[0]?.model.trim() ?? 'unknown'})`;
}
