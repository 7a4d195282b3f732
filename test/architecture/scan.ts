import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

/** What the architecture rules need to know about one source file, from its syntax tree. */
export type SourceFile = {
  /** From the repository's root, with `/`: `src/api/main.ts`. */
  path: string;
  lines: number;
  /** Every module it names: imports, re-exports, `import()` and `import('…').Type`. */
  imports: ImportedModule[];
  hasDefaultExport: boolean;
  readsProcessEnv: boolean;
  usesConsole: boolean;
  /** Classes it makes with `new`. */
  constructed: string[];
};

export type ImportedModule = { specifier: string; names: string[]; isTypeOnly: boolean };

type Node = { type: string } & Record<string, unknown>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textAt(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' ? found : undefined;
}

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (isNode(value)) yield value;
  for (const child of Object.values(value)) if (typeof child === 'object') yield* nodesOf(child);
}

function specifiersOf(node: Node): Node[] {
  return Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
}

/** The module a node names, if it names one. */
function importOf(node: Node): ImportedModule | undefined {
  if (['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration'].includes(node.type)) {
    const specifier = textAt(node.source, 'value');
    if (specifier === undefined) return undefined;
    const specifiers = specifiersOf(node);
    const names = specifiers.map((item) => textAt(item.imported, 'value') ?? textAt(item.local, 'value') ?? '*');
    const everyName = specifiers.length > 0 && specifiers.every((item) => item.isTypeOnly === true);
    return { specifier, names, isTypeOnly: node.typeOnly === true || everyName };
  }
  if (node.type === 'TsImportType') {
    const specifier = textAt(node.argument, 'value');
    return specifier === undefined ? undefined : { specifier, names: ['*'], isTypeOnly: true };
  }
  if (node.type === 'CallExpression' && textAt(node.callee, 'type') === 'Import') {
    const [first] = Array.isArray(node.arguments) ? node.arguments : [];
    const specifier = textAt(member(first, 'expression'), 'value');
    return specifier === undefined ? undefined : { specifier, names: ['*'], isTypeOnly: false };
  }
  return undefined;
}

function isMemberOf(node: Node, object: string, property?: string): boolean {
  if (node.type !== 'MemberExpression' || textAt(node.object, 'value') !== object) return false;
  return property === undefined || textAt(node.property, 'value') === property;
}

/** Reads one file's text. Throws where it is not TypeScript. */
export function scanSource(filePath: string, text: string): SourceFile {
  const nodes = [...nodesOf(parseSync(text, { syntax: 'typescript', target: 'es2022' }))];
  return {
    path: filePath,
    lines: text.split('\n').length - 1,
    imports: nodes.map(importOf).filter((found) => found !== undefined),
    hasDefaultExport: nodes.some(({ type }) => type.startsWith('ExportDefault')),
    readsProcessEnv: nodes.some((node) => isMemberOf(node, 'process', 'env')),
    usesConsole: nodes.some((node) => isMemberOf(node, 'console')),
    constructed: nodes
      .filter(({ type }) => type === 'NewExpression')
      .map((node) => textAt(node.callee, 'value') ?? '')
      .filter((name) => name !== ''),
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    // The benchmark installs the gateway that it compares with below itself.
    if (entry.name === 'node_modules') return [];
    const found = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(found) : [found];
  });
}

/** Every TypeScript file below the given folders of the repository. */
export function scanFolders(root: string, folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => filesBelow(path.join(root, folder)))
    .filter((file) => /\.(ts|mts)$/.test(file) && !file.endsWith('.d.mts'))
    .map((file) => scanSource(path.relative(root, file).split(path.sep).join('/'), readFileSync(file, 'utf8')));
}
