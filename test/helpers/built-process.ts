import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../scripts/node-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUTPUT_CHARACTERS_MAX = 200_000;

export type BuiltProcess = {
  readonly child: ChildProcess;
  /** Everything it said so far, both streams. */
  output(): string;
  /** Resolves when the output matches; rejects when the process ends before that. */
  says(pattern: RegExp): Promise<void>;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
};

function watch(child: ChildProcess): BuiltProcess {
  let output = '';
  const listeners = new Set<() => void>();
  const hear = (chunk: string) => {
    output = (output + chunk).slice(-OUTPUT_CHARACTERS_MAX);
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding('utf8').on('data', hear);
  child.stderr?.setEncoding('utf8').on('data', hear);
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return {
    child,
    output: () => output,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(output)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} before saying ${pattern}:\n${output}`)));
      }),
  };
}

/** Starts a Node program in the repository's root with exactly this environment (and PATH). */
export function startNode(args: readonly string[], env: Record<string, string>): BuiltProcess {
  return watch(
    spawn(process.execPath, args, {
      cwd: ROOT,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

/** Starts the built entry point of a role with the flags of production. Throws when there is no build: `npm test` makes one first. */
export function startBuilt(role: string, env: Record<string, string>): BuiltProcess {
  const entry = `${ROOT}/dist/${role}/main.js`;
  if (!existsSync(entry)) throw new Error(`${entry} is missing; run the tests with npm test, which builds first`);
  return startNode([...NODE_FLAGS, entry], env);
}
