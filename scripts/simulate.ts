/** `npm run simulate`: seeded histories of the money protocol on all cores. Options: `npm run simulate -- --help`. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Counts, WEATHERS, type Weather } from '../test/simulation/faults.ts';
import { MUTANTS, mutantNamed } from '../test/simulation/mutants.ts';
import { type Result, simulate } from '../test/simulation/simulate.ts';
import { BadCommandLine, readCommandLine, readWhole } from './command-line.ts';
import { aboutRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRESS_MS = 5_000;
const NOT_COVERED =
  'Not covered: streams and their relay, webhooks, group commit across processes, loss of acknowledged writes, the driver itself.';

const USAGE = `Usage: npm run simulate -- [options]

Histories of the money protocol, each from its seed, with an invariant check at every write.

  --seeds <number>   how many (default 1000)
  --from <number>    the first of them (default 1)
  --seed <number>    replays this one with its trace
  --mutant <name>    runs a wrong variant: ${MUTANTS.map(({ name }) => name).join(', ')}
  --weather <name>   how often what fails: ${Object.keys(WEATHERS).join(', ')}
  --write            keep the table in docs/reliability.md`;

const SEED_MAX = 1e9;

const asked = readCommandLine(USAGE, (args) => {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    seeds: text,
    from: text,
    step: text,
    seed: text,
    mutant: text,
    weather: text,
    part: flag,
    write: flag,
  };
  const { values } = parseArgs({ args, options });
  const whole = (name: 'seeds' | 'from' | 'step', fallback: number) =>
    readWhole(name, values[name], { fallback, min: 1, max: SEED_MAX });
  const { mutant: name, weather, part, write } = values;
  const mutant = name === undefined ? undefined : mutantNamed(name);
  if (name !== undefined && !mutant) throw new BadCommandLine(`--mutant: there is none of the name ${name}`);
  if (weather !== undefined && !Object.hasOwn(WEATHERS, weather))
    throw new BadCommandLine(`--weather: there is none of the name ${weather}`);
  return {
    seeds: whole('seeds', 1_000),
    from: whole('from', 1),
    step: whole('step', 1),
    seed:
      values.seed === undefined ? undefined : readWhole('seed', values.seed, { fallback: 1, min: 0, max: SEED_MAX }),
    settings: { ...(mutant ? { mutant } : {}), ...(weather ? { weather: weather as Weather } : {}) },
    chosen: [...(name ? ['--mutant', name] : []), ...(weather ? ['--weather', weather] : [])],
    part,
    write,
  };
});

type Told = Pick<Result, 'seed' | 'violations' | 'counts' | 'steps'>;

/** One of the processes: every `step`-th seed, one line of JSON each. */
async function runPart(): Promise<void> {
  const { from, step, seeds: last, settings } = asked;
  for (let seed = from; seed <= last; seed += step) {
    const { violations, counts, steps } = await simulate(seed, settings);
    process.stdout.write(`${JSON.stringify({ seed, violations, counts, steps })}\n`);
  }
}

async function runParts(onResult: (told: Told) => void): Promise<void> {
  const { from, seeds: count, chosen } = asked;
  const parts = availableParallelism();
  const script = fileURLToPath(import.meta.url);
  await Promise.all(
    Array.from({ length: parts }, async (_, part) => {
      const range = ['--from', String(from + part), '--step', String(parts), '--seeds', String(from + count - 1)];
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
  const total = asked.seeds;
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
  if (asked.write && asked.chosen.length === 0) {
    const command = `npm run simulate -- --from ${asked.from} --seeds ${asked.seeds}`;
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

if (asked.part) await runPart();
else if (asked.seed === undefined) process.exitCode = (await runAll()) ? 0 : 1;
else {
  const trace = (line: string) => console.log(line);
  const result = await simulate(asked.seed, { trace, ...asked.settings });
  console.log(result);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}
