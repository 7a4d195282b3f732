/** A browser for the tests of pages: found, else installed where that is possible, else those tests are skipped, loudly. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const INSTALL_MS = 6 * 60_000;

/** Whether any test drives a browser at all; without one there is nothing to install it for. */
function anyPageTest(folder) {
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return anyPageTest(path);
    return entry.name.endsWith('.ts') && readFileSync(path, 'utf8').includes("from 'playwright-core'");
  });
}

async function aptInstall() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-qq', '--no-install-recommends', 'chromium'];
  const options = { env, quiet: true, timeoutMs: INSTALL_MS };
  if ((await run('apt-get', install, options)).code === 0) return '';
  await run('apt-get', ['update', '-qq'], options);
  const { code, output } = await run('apt-get', install, options);
  return code === 0 ? '' : `apt-get could not install chromium: ${output.trim().split('\n').at(-1)}`;
}

/**
 * The environment that tells page tests where their browser is: OCELOTIQ_CHROMIUM, or OCELOTIQ_NO_CHROMIUM with the
 * reason why they skip.
 */
export async function chromiumEnvironment(root, progress) {
  if (process.env.OCELOTIQ_CHROMIUM || !anyPageTest(join(root, 'test'))) return {};
  const find = () => CANDIDATES.find((path) => existsSync(path));
  let reason = 'chromium is not installed (Debian, Ubuntu: apt-get install chromium; or set OCELOTIQ_CHROMIUM)';
  if (!find() && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    reason = (await progress.step('Installing chromium for the tests of pages', aptInstall)) || reason;
  }
  const found = find();
  if (found) return { OCELOTIQ_CHROMIUM: found };
  progress.line(`\n!!! TESTS OF PAGES ARE SKIPPED: ${reason}\n`);
  return { OCELOTIQ_NO_CHROMIUM: reason };
}
