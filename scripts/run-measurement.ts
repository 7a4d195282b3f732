import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadCommandLine } from './command-line.ts';
import { SetupError } from './setup/failure.mjs';
import { createProgress } from './setup/progress.mjs';
import { setUp } from './setup.mjs';

/** What a measuring script works with. */
export type MeasurementContext = {
  root: string;
  /** A folder of this run, removed at its end. */
  dataDir: string;
  signal: AbortSignal;
  note: (line: string) => void;
  /** Takes each thing that has to be ended, in the order of starting. */
  defer: (stop: () => Promise<void>) => void;
};

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * The frame of a script that starts the product, measures, and passes or fails: builds, gives a folder, ends everything
 * that was started (also on Ctrl-C), and sets the exit code.
 * @param run gives whether what was expected holds.
 */
export async function runMeasurement(
  usage: string,
  run: (words: readonly string[], context: MeasurementContext) => Promise<boolean>,
): Promise<void> {
  const words = process.argv.slice(2);
  if (words.includes('--help')) {
    console.log(usage);
    return;
  }
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort());
  try {
    if (!(await framed(words, stopping.signal, run))) process.exitCode = 1;
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof BadCommandLine) console.error(`${error.message}\n\n${usage}`);
    else if (error instanceof SetupError) console.error(error.message);
    else console.error(stopping.signal.aborted ? 'stopped' : error);
  }
}

async function framed(
  words: readonly string[],
  signal: AbortSignal,
  run: (words: readonly string[], context: MeasurementContext) => Promise<boolean>,
): Promise<boolean> {
  const progress = createProgress();
  await setUp(progress);
  const dataDir = mkdtempSync(join(tmpdir(), 'ocelotiq-measure-'));
  const stops: (() => Promise<void>)[] = [() => Promise.resolve(rmSync(dataDir, { recursive: true, force: true }))];
  const note = (line: string) => progress.line(line);
  try {
    return await run(words, { root: ROOT, dataDir, signal, note, defer: (stop) => void stops.push(stop) });
  } finally {
    for (const stop of stops.reverse())
      await stop().catch((error: unknown) => note(`not stopped cleanly: ${String(error)}`));
  }
}
