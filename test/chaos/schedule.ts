import { createRandom, type Random } from './random.ts';

/** What happens to the system while clients call it. Times from the start of the load; the same seed gives the same list. */
export type Fault = { atMs: number; lastsMs: number } & (
  | { kind: 'kill-worker' | 'kill-api' | 'pause-worker' | 'restart-all' | 'copy-redis' }
  | { kind: 'redis'; how: 'kill' | 'truncate' | 'older-copy' | 'flush'; bytes: number }
  | { kind: 'cut-mongo' | 'freeze-mongo' | 'cut-provider' }
);

type Kind = {
  everyMs: readonly [number, number];
  make(random: Random): Omit<Fault, 'atMs'> & { kind: Fault['kind'] };
};

const KINDS: readonly Kind[] = [
  { everyMs: [4_000, 10_000], make: () => ({ kind: 'kill-worker', lastsMs: 0 }) },
  { everyMs: [8_000, 20_000], make: () => ({ kind: 'kill-api', lastsMs: 0 }) },
  { everyMs: [12_000, 25_000], make: (random) => ({ kind: 'pause-worker', lastsMs: random.between(1_000, 8_000) }) },
  { everyMs: [30_000, 60_000], make: () => ({ kind: 'restart-all', lastsMs: 0 }) },
  { everyMs: [9_000, 11_000], make: () => ({ kind: 'copy-redis', lastsMs: 0 }) },
  { everyMs: [12_000, 30_000], make: (random) => redisFault(random) as Omit<Fault, 'atMs'> & { kind: 'redis' } },
  { everyMs: [14_000, 30_000], make: (random) => ({ kind: 'cut-mongo', lastsMs: random.between(200, 3_000) }) },
  { everyMs: [25_000, 50_000], make: (random) => ({ kind: 'freeze-mongo', lastsMs: random.between(500, 4_000) }) },
  { everyMs: [12_000, 25_000], make: (random) => ({ kind: 'cut-provider', lastsMs: random.between(100, 1_000) }) },
];

/** One in three loses the end of the log, one in six comes back as it was a while ago, one in ten loses everything. */
function redisFault(random: Random): object {
  const draw = random.next();
  const bytes = random.between(1_024, 65_536);
  const how = draw < 1 / 3 ? 'truncate' : draw < 1 / 2 ? 'older-copy' : draw < 0.6 ? 'flush' : 'kill';
  return { kind: 'redis', how, bytes, lastsMs: random.between(0, 1_500) };
}

export function faultSchedule(seed: number, durationMs: number): Fault[] {
  const random = createRandom(seed);
  const faults = KINDS.flatMap(({ everyMs: [min, max], make }) => {
    const own: Fault[] = [];
    for (let atMs = random.between(min / 2, max); atMs < durationMs; atMs += random.between(min, max))
      own.push({ atMs, ...make(random) } as Fault);
    return own;
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}
