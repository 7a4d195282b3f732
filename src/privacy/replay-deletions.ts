import type { DeletionJournal, JournalEntry } from './deletion-journal.ts';
import { drawAct, putBackAct } from './destruction-acts.ts';
import { type ErasureDependencies, eraseClass } from './erasure.ts';
import { purgeClass } from './purge-class.ts';
import { ROW_CLASSES, rowClass } from './row-classes.ts';

/** Deletes again what a restore has brought back. Running it again does nothing more. */

export type Replayed = {
  erasures: number;
  /** Rows that were there again. */
  removed: number;
  acts: number;
  /** Of the act about this replay, when anything was removed. */
  actNumber: number | undefined;
};

type Dependencies = Pick<ErasureDependencies, 'keys' | 'signal'> & { journal: DeletionJournal };

const REASON = '152-FZ art. 21: destroyed before, and again after a restore';

/**
 * Goes through the whole journal in the order of time, also through what is older than the backup: an erasure may have
 * been under way when that was taken.
 * @param causeId the restore, which the act is about.
 */
export async function replayDeletions(causeId: string, deps: Dependencies): Promise<Replayed> {
  const entries = await deps.journal.entries();
  // Their numbers are taken before the act about this replay takes the next one.
  const acts = entries.filter((entry) => entry.kind === 'act').sort((a, b) => a.act._id - b.act._id);
  for (const { act } of acts) await putBackAct(act, deps.journal.eventsOf(act.causeId));
  let removed = 0;
  for (const entry of entries) {
    deps.signal.throwIfAborted();
    removed += await replayEntry(entry, causeId, deps);
  }
  const act = await drawAct(causeId, REASON, deps.journal);
  const erasures = entries.filter(({ kind }) => kind === 'erasure').length;
  return { erasures, removed, acts: acts.length, actNumber: act?._id };
}

async function replayEntry(entry: JournalEntry, causeId: string, deps: Dependencies): Promise<number> {
  if (entry.kind === 'act') return 0;
  if (entry.kind === 'purge') {
    const { before, held } = entry;
    const run = { runId: causeId, before, held: new Set(held), signal: deps.signal, onBatch: async () => undefined };
    return (await purgeClass(rowClass(entry.classId), run)).removed;
  }
  let removed = 0;
  for (const row of ROW_CLASSES) {
    if (row.erasure.action === 'keep') continue;
    const rows = await eraseClass(row, { causeId, accountId: entry.accountId }, deps);
    if (row.erasure.action !== 'destroy_key') removed += rows;
  }
  return removed;
}
