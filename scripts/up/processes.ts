import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup/failure.mjs';
import { type Child, startChild } from './child.ts';
import { type Port, reachable, type Settings } from './settings.ts';

/** The processes of the product, from the built entry points, as production runs them. */

const READY_MS = 90_000;

export type Context = {
  root: string;
  settings: Settings;
  environment: Record<string, string>;
  show: (line: string) => void;
};

function entryPoint(root: string, role: string): string {
  const entry = join(root, 'dist', role, 'main.js');
  if (!existsSync(entry)) throw new SetupError(`${entry} is missing: the build is not complete. Run: npm run build`);
  return entry;
}

function start(context: Context, role: string, readyUrl?: string): Child {
  const { root, settings, environment, show } = context;
  return startChild({
    role,
    entry: entryPoint(root, role),
    cwd: root,
    env: environment,
    logFile: join(settings.dataDir, 'logs', `${role}.log`),
    show,
    ...(readyUrl === undefined ? {} : { readyUrl }),
  });
}

/** Collections, indexes and, where there is none yet, the catalogue of models. Runs to its end. */
export function startMigration(context: Context): Child {
  return start(context, 'migrate');
}

/** Starts every process at once; `waitUntilReady` waits for them. */
export function startProcesses(context: Context): Child[] {
  const { ports, production } = context.settings;
  const url = ({ host, port }: Port, path: string) => `http://${reachable(host)}:${port}${path}`;
  return [
    ...(production ? [] : [start(context, 'sandbox', url(ports.sandbox, '/health'))]),
    start(context, 'workers', url(ports.workers, '/readyz')),
    start(context, 'api', url(ports.api, '/readyz')),
    start(context, 'admin', url(ports.admin, '/readyz')),
  ];
}

export async function waitUntilReady(children: readonly Child[], note: (text: string) => void): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      await child.ready(READY_MS);
      note(`${child.role} is ready (process ${child.pid()})`);
    }),
  );
}
