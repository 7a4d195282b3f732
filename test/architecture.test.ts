import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import {
  type Exception,
  importCycles,
  missingTargets,
  packagesOf,
  strayPowers,
  tooLong,
  unknownFolders,
  unusedExceptions,
  wrongLayers,
  wrongNames,
} from './architecture/rules.ts';
import { type SourceFile, scanFolders, scanSource } from './architecture/scan.ts';

/** Imports that the layers forbid and a reason allows. Short, and meant to stay so. */
const EXCEPTIONS: readonly Exception[] = [];

const LINES_MAX = 320;
const ROUTE_LINES_MAX = 120;

const root = fileURLToPath(new URL('..', import.meta.url));
const src = scanFolders(root, ['src']);
const outside = scanFolders(root, ['scripts', 'tools']);

function dependencies(): Record<string, string> {
  const { dependencies: found } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return found;
}

describe('the architecture', () => {
  it('has every file in a folder with a known level', () => {
    expect(unknownFolders(src)).toEqual([]);
  });

  it('imports only downwards: mains, edges, requests, domains, stores and wires, foundation', () => {
    expect(wrongLayers(src, EXCEPTIONS)).toEqual([]);
  });

  it('lists no exception that is not needed', () => {
    expect(unusedExceptions(src, EXCEPTIONS)).toEqual([]);
  });

  it('has no import cycles, types included', () => {
    expect(importCycles([...src, ...outside])).toEqual([]);
  });

  it('imports only files that exist', () => {
    expect(missingTargets(src)).toEqual([]);
  });

  it('has no barrels and no catch-all folders', () => {
    expect(wrongNames(src)).toEqual([]);
  });

  it('reads the environment, constructs Redis, knows BullMQ and prints in one place each; exports by name', () => {
    expect(strayPowers(src)).toEqual([]);
  });

  it('uses at run time only packages that a production installation has', () => {
    const production = dependencies();
    expect(packagesOf(src).filter(({ name }) => !(name in production))).toEqual([]);
  });

  it('keeps files short enough to hold one idea', () => {
    const noTest = outside.filter((file) => !file.path.endsWith('.test.ts'));
    expect(tooLong([...src, ...noTest], LINES_MAX)).toEqual([]);
    const routes = src.filter((file) => file.path.startsWith('src/api/routes/'));
    expect(tooLong(routes, ROUTE_LINES_MAX)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const scanned = (files: Record<string, string>): SourceFile[] =>
    Object.entries(files).map(([path, text]) => scanSource(path, text));
  const layers = (path: string, text: string) => wrongLayers(scanned({ [path]: text }), []);

  it.each([
    ['src/models/request.ts', "import type { A } from '../billing/account.ts';"],
    ['src/models/request.ts', "export { a } from '../queue/jobs.ts';"],
    ['src/queue/jobs.ts', "const a = await import('../models/request.ts');"],
    ['src/billing/pricing.ts', "type A = import('../auth/keys.ts').A;"],
    ['src/api/app.ts', "import '../workers/handlers.ts';"],
    ['src/api/main.ts', "import '../workers/handlers.ts';"],
    ['src/workers/handlers.ts', "import '../api/main.ts';"],
    ['src/money.ts', "import { a } from './models/account.ts';"],
    ['src/sandbox/server.ts', "import { a } from '../log.ts';"],
    ['src/requests/run.ts', "import { a } from '../sandbox/server.ts';"],
  ])('refuse in %s: %s', (path, text) => {
    expect(layers(path, text)).toHaveLength(1);
  });

  it.each([
    ['src/requests/run.ts', "import { a } from '../billing/account.ts'; import { b } from './settle.ts';"],
    ['src/webhooks/deliver.ts', "import { a } from '../queue/enqueue.ts';"],
    ['src/api/main.ts', "import { a } from './app.ts'; import { b } from '../requests/accept.ts';"],
    ['src/sandbox/main.ts', "import { a } from '../config.ts'; import { b } from './server.ts';"],
    ['src/money.ts', "import { a } from './errors.ts'; // import '../api/main.ts'"],
  ])('allow in %s: %s', (path, text) => {
    expect(layers(path, text)).toEqual([]);
  });

  it('see a cycle through three files', () => {
    const files = scanned({
      'src/a.ts': "import type { B } from './b.ts';",
      'src/b.ts': "export * from './c.ts';",
      'src/c.ts': "import { a } from './a.ts';",
    });
    expect(importCycles(files)).toEqual(['src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts']);
  });

  it('see what only one place may do', () => {
    const text =
      "import { Redis } from 'ioredis'; import { Queue } from 'bullmq'; console.log(process.env.A); export default 1;";
    expect(strayPowers(scanned({ 'src/api/app.ts': text }))).toHaveLength(5);
    expect(strayPowers(scanned({ 'src/api/app.ts': "import type { Redis } from 'ioredis';" }))).toEqual([]);
  });

  it('see barrels, catch-all folders and unknown folders', () => {
    const files = scanned({ 'src/api/index.ts': '', 'src/api/utils/a.ts': '', 'src/else/a.ts': '' });
    expect(wrongNames(files)).toEqual(['src/api/index.ts', 'src/api/utils/a.ts']);
    expect(unknownFolders(files)).toEqual(['src/else/a.ts']);
  });

  it('see an exception that nothing needs', () => {
    const files = scanned({ 'src/queue/a.ts': "import { a } from '../models/b.ts';" });
    const exception = { file: 'src/queue/a.ts', mayImport: 'src/models/', reason: 'a test' };
    expect(wrongLayers(files, [exception])).toEqual([]);
    expect(unusedExceptions(files, [exception])).toEqual([]);
    expect(unusedExceptions(files, [{ ...exception, mayImport: 'src/stream/' }])).toHaveLength(1);
  });
});
