import { type Named, type TopOptions, topAccounts } from './read-rollups.ts';

/**
 * The busiest accounts, ranked beside the pages that ask for them. A month has a row for each account and hour, and to
 * add all of them up takes longer than a page may; who is busiest changes little within minutes.
 */

/** Younger than this it is not ranked again. */
const FRESH_MS = 300_000;
/** After one that failed the next is not tried before. */
const RETRY_MS = 60_000;
/** Older than this it is not shown. */
const SHOWN_MS = 1_800_000;
/** So long a page waits for what is being ranked. */
const PATIENCE_MS = 150;

export type RankAccounts = (options: Pick<TopOptions, 'hours' | 'by' | 'max'>) => Promise<Named[] | undefined>;

type Ranking = { named?: Named[]; rankedAtMs: number; failedAtMs: number; running?: Promise<void> };

/**
 * Makes a ranking that is kept for a while. It gives `undefined` when there is nothing to show yet: what was asked for
 * is being ranked, or could not be.
 * @param rank reads the sums; the time that is shown and that it counts back from is `clock`'s.
 */
export function createRanking(rank: typeof topAccounts = topAccounts, clock = Date.now): RankAccounts {
  const rankings = new Map<string, Ranking>();

  const begin = (ranking: Ranking, options: Pick<TopOptions, 'hours' | 'by' | 'max'>): Promise<void> => {
    const nowMs = clock();
    return rank({ ...options, nowMs }).then(
      (named) => void Object.assign(ranking, { named, rankedAtMs: nowMs, running: undefined }),
      // The page shows the rest, and a later one tries again.
      () => void Object.assign(ranking, { failedAtMs: clock(), running: undefined }),
    );
  };

  return async (options) => {
    const key = `${options.hours} ${options.by} ${options.max}`;
    const ranking = rankings.get(key) ?? { rankedAtMs: 0, failedAtMs: 0 };
    rankings.set(key, ranking);
    const isOlder = (ms: number) => clock() - ranking.rankedAtMs > ms;
    const mayBegin = isOlder(FRESH_MS) && clock() - ranking.failedAtMs >= RETRY_MS;
    if (mayBegin) ranking.running ??= begin(ranking, options);
    if (isOlder(SHOWN_MS) && ranking.running) await atMost(PATIENCE_MS, ranking.running);
    return isOlder(SHOWN_MS) ? undefined : ranking.named;
  };
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
