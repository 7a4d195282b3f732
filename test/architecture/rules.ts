import { isBuiltin } from 'node:module';
import path from 'node:path';
import type { SourceFile } from './scan.ts';

/** The rules of docs/architecture.md over scanned files. Each gives the violations it finds, as sentences. */

/** A file imports its own folder and lower levels only. Folders of one level do not import each other. */
const LEVELS: Readonly<Record<string, number>> = {
  api: 5,
  workers: 5,
  admin: 5,
  cabinet: 5,
  migrate: 5,
  sandbox: 5,
  operations: 4,
  requests: 3,
  billing: 2,
  auth: 2,
  webhooks: 2,
  privacy: 2,
  audit: 2,
  support: 2,
  rollups: 2,
  backup: 2,
  papers: 1,
  models: 1,
  queue: 1,
  stream: 1,
  providers: 1,
};
const MAIN_LEVEL = 6;
const ROOT_LEVEL = 0;

export type Exception = { file: string; mayImport: string; reason: string };

const MAIN = /^src\/[^/]+\/main\.ts$/;
const FORBIDDEN_FOLDERS = new Set(['utils', 'util', 'lib', 'helpers', 'common', 'shared']);

function folderOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

function levelOf(file: string): number | undefined {
  if (MAIN.test(file)) return MAIN_LEVEL;
  const folder = folderOf(file);
  return folder === undefined ? ROOT_LEVEL : LEVELS[folder];
}

/** The file a relative import means, from the repository's root; `undefined` for packages. */
export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : undefined;
}

function targetsOf(file: SourceFile): string[] {
  const targets = file.imports.map(({ specifier }) => resolveImport(file.path, specifier));
  return [...new Set(targets.filter((target) => target !== undefined))];
}

function mayImport(from: string, to: string): boolean {
  const [fromLevel, toLevel] = [levelOf(from), levelOf(to)];
  if (fromLevel === undefined || toLevel === undefined || MAIN.test(to)) return false;
  const [fromFolder, toFolder] = [folderOf(from), folderOf(to)];
  if (fromFolder !== undefined && fromFolder === toFolder) return true;
  // The sandbox stands in for a stranger's server: it knows nothing of the product but where its settings are read.
  if (fromFolder === 'sandbox') return to === 'src/config.ts';
  if (MAIN.test(from) && toLevel === LEVELS.api) return false;
  return toLevel < fromLevel || (fromLevel === ROOT_LEVEL && toLevel === ROOT_LEVEL);
}

export function wrongLayers(files: readonly SourceFile[], exceptions: readonly Exception[]): string[] {
  const allowed = (from: string, to: string) =>
    exceptions.some(({ file, mayImport: target }) => file === from && to.startsWith(target));
  return files.flatMap((file) =>
    targetsOf(file)
      .filter((target) => !mayImport(file.path, target) && !allowed(file.path, target))
      .map((target) => `${file.path} imports ${target}`),
  );
}

/** An exception that nothing needs is a hole for later. */
export function unusedExceptions(files: readonly SourceFile[], exceptions: readonly Exception[]): string[] {
  return exceptions
    .filter(({ file, mayImport: target }) => {
      const source = files.find((candidate) => candidate.path === file);
      return !source || !targetsOf(source).some((found) => found.startsWith(target) && !mayImport(file, found));
    })
    .map(({ file, mayImport: target }) => `${file} does not need ${target}`);
}

export function missingTargets(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((file) => file.path));
  return files.flatMap((file) =>
    targetsOf(file)
      .filter((target) => target.startsWith('src/') && target.endsWith('.ts') && !known.has(target))
      .map((target) => `${file.path} imports ${target}, which does not exist`),
  );
}

export function importCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, targetsOf(file)]));
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      cycles.push([...trail.slice(at), file].join(' -> '));
      return;
    }
    if (finished.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}

export function wrongNames(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path: file }) => {
      const parts = file.split('/');
      const name = parts.pop();
      return name === 'index.ts' || parts.some((part) => FORBIDDEN_FOLDERS.has(part));
    })
    .map((file) => file.path);
}

export function unknownFolders(files: readonly SourceFile[]): string[] {
  return files.filter((file) => levelOf(file.path) === undefined).map((file) => file.path);
}

/** Things only one place may do. */
export function strayPowers(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found: string[] = [];
    const module = (name: string) => file.imports.filter(({ specifier }) => specifier === name);
    if (file.readsProcessEnv && file.path !== 'src/config.ts') found.push(`${file.path} reads process.env`);
    if (file.usesConsole && !MAIN.test(file.path)) found.push(`${file.path} uses console`);
    if (file.hasDefaultExport) found.push(`${file.path} has a default export`);
    if (file.path !== 'src/redis.ts' && module('ioredis').some(({ isTypeOnly }) => !isTypeOnly)) {
      found.push(`${file.path} imports more than types from ioredis`);
    }
    if (module('bullmq').length > 0 && folderOf(file.path) !== 'queue') found.push(`${file.path} imports bullmq`);
    return found;
  });
}

export function tooLong(files: readonly SourceFile[], linesMax: number): string[] {
  return files.filter(({ lines }) => lines > linesMax).map((file) => `${file.path} has ${file.lines} lines`);
}

/** `@scope/name/file` and `name/file` belong to a package; relative paths and Node's own modules do not. */
export function packagesOf(files: readonly SourceFile[]): { file: string; name: string }[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier))
      .map(({ specifier }) => ({
        file: file.path,
        name: specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      })),
  );
}
