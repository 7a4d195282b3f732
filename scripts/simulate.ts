/**
 * `npm run simulate -- --seeds 20000 [--from 1] [--write]`: seeded histories of the money protocol on all cores, with an
 * invariant check at every write. `--seed N` replays one with its trace; `--mutant NAME` runs a wrong variant; `--weather late`
 * has many more writes that land late.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Counts, WEATHERS, type Weather } from '../test/simulation/faults.ts';
import { MUTANTS, mutantNamed } from '../test/simulation/mutants.ts';
import { type Result, simulate } from '../test/simulation/simulate.ts';
import { aboutRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRESS_MS = 5_000;
const NOT_COVERED =
  'Not covered: streams and their relay, webhooks, group commit across processes, loss of acknowledged writes, the driver itself.';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    weather: { type: 'string' },
    part: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

function chosenWeather(): { weather?: Weather } {
  if (values.weather === undefined) return {};
  if (!(values.weather in WEATHERS)) throw new Error(`the weather is one of ${Object.keys(WEATHERS).join(', ')}`);
  return { weather: values.weather as Weather };
}

type Told = Pick<Result, 'seed' | 'violations' | 'counts' | 'steps'>;

function chosenMutant() {
  if (values.mutant === undefined) return undefined;
  const mutant = mutantNamed(values.mutant);
  if (!mutant) throw new Error(`no such mutant; there are: ${MUTANTS.map(({ name }) => name).join(', ')}`);
  return mutant;
}

/** One of the processes: every `step`-th seed, one line of JSON each. */
async function runPart(): Promise<void> {
  const [from, step, last] = [Number(values.from), Number(values.step), Number(values.seeds)];
  const mutant = chosenMutant();
  for (let seed = from; seed <= last; seed += step) {
    const { violations, counts, steps } = await simulate(seed, { ...chosenWeather(), ...(mutant ? { mutant } : {}) });
    process.stdout.write(`${JSON.stringify({ seed, violations, counts, steps })}\n`);
  }
}

async function runParts(onResult: (told: Told) => void): Promise<void> {
  const [from, count] = [Number(values.from), Number(values.seeds)];
  const parts = availableParallelism();
  const script = fileURLToPath(import.meta.url);
  await Promise.all(
    Array.from({ length: parts }, async (_, part) => {
      const range = ['--from', String(from + part), '--step', String(parts), '--seeds', String(from + count - 1)];
      const chosen = (['mutant', 'weather'] as const).flatMap((name) => {
        const value = values[name];
        return value === undefined ? [] : [`--${name}`, value];
      });
      const args = ['--import', 'tsx', script, '--part', ...range, ...chosen];
      const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
      const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
      for await (const line of createInterface({ input: child.stdout })) onResult(JSON.parse(line) as Told);
      if ((await code) !== 0) throw new Error('a part of the simulation ended with an error');
    }),
  );
}

async function runAll(): Promise<boolean> {
  const startedMs = Date.now();
  const total = Number(values.seeds);
  const sums: Record<string, number> = { seeds: 0, steps: 0 };
  const violating: Told[] = [];
  const speed = () => ((sums.seeds ?? 0) / Math.max(0.001, (Date.now() - startedMs) / 1_000)).toFixed(0);
  const tell = () => console.log(`${sums.seeds} of ${total} seeds, ${violating.length} violating, ${speed()} seeds/s`);
  const progress = setInterval(tell, PROGRESS_MS);
  await runParts((told) => {
    sums.seeds = (sums.seeds ?? 0) + 1;
    sums.steps = (sums.steps ?? 0) + told.steps;
    for (const [name, count] of Object.entries(told.counts as Counts)) sums[name] = (sums[name] ?? 0) + count;
    if (told.violations.length === 0) return;
    violating.push(told);
    console.log(`seed ${told.seed}: ${told.violations.join('; ')}`);
  }).finally(() => clearInterval(progress));
  const table = markdownTable(
    [...Object.keys(sums), 'violating'],
    [[...Object.values(sums).map(String), String(violating.length)]],
  );
  console.log(`\n${table}\n\n${speed()} seeds/s`);
  if (values.write && values.mutant === undefined && values.weather === undefined) {
    const command = `npm run simulate -- --from ${values.from} --seeds ${values.seeds}`;
    const mutants = markdownTable(
      ['wrong variant', 'what is wrong', 'caught within seeds'],
      MUTANTS.map(({ name, wrong, weather, seedsMax }) => [
        name,
        wrong,
        weather === undefined ? String(seedsMax) : `${seedsMax} (--weather ${weather})`,
      ]),
    );
    const body = `${aboutRun(ROOT)}. \`${command}\`, ${speed()} seeds/s\n\n${table}\n\n${NOT_COVERED}\n\n${mutants}`;
    writeSection(
      join(ROOT, 'docs', 'reliability.md'),
      { name: 'simulation', heading: 'Simulation', body },
      { title: 'Reliability' },
    );
  }
  return violating.length === 0;
}

if (values.part) await runPart();
else if (values.seed === undefined) process.exitCode = (await runAll()) ? 0 : 1;
else {
  const mutant = chosenMutant();
  const trace = (line: string) => console.log(line);
  const result = await simulate(Number(values.seed), { trace, ...chosenWeather(), ...(mutant ? { mutant } : {}) });
  console.log(result);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}
