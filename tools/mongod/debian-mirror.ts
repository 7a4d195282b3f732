/** The Debian mirror and keys that this machine's own apt is set up with. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp'];

/** @throws Error when this is no Debian, or its archive keys are missing. */
export function debianKeyring(): string {
  const found = KEYRINGS.find((file) => existsSync(file));
  if (found === undefined) throw new Error('the Debian archive keys are missing (package debian-archive-keyring)');
  return found;
}

/** @throws Error when this is no Debian, or apt has no mirror for its release. */
export function debianMirror(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(release)?.[1];
  if (field('ID') !== 'debian')
    throw new Error(`the packages are Debian's and this is ${field('ID') ?? 'something else'}`);
  const mirror = mirrorIn(sourceTexts(), [
    field('VERSION_CODENAME') ?? 'stable',
    'stable',
    'testing',
    'unstable',
    'sid',
  ]);
  if (mirror === undefined) throw new Error('apt on this machine has no Debian mirror to take packages from');
  return mirror;
}

function sourceTexts(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const files = ['/etc/apt/sources.list', ...names.map((name) => path.join(folder, name))];
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
}

/** The first mirror that offers one of the suites, in either of the two forms of apt's source files. */
export function mirrorIn(texts: readonly string[], suites: readonly string[]): string | undefined {
  for (const text of texts) {
    const oneLine = text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm);
    for (const [, uri, suite] of oneLine) if (uri !== undefined && suites.includes(suite ?? '')) return uri;
    for (const stanza of text.split(/\n\s*\n/)) {
      const field = (name: string): string[] =>
        new RegExp(`^${name}:[ \\t]*(.*)$`, 'mi').exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
      const isOn = field('Types').includes('deb') && field('Enabled')[0] !== 'no';
      const [uri] = field('URIs');
      if (isOn && uri !== undefined && field('Suites').some((suite) => suites.includes(suite))) return uri;
    }
  }
  return undefined;
}
