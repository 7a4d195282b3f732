import { nativeCollection } from '../../models/connect.ts';
import { ReconciliationWalk, type ReconciliationWalkDocument, WALKS } from '../../models/reconciliation-walk.ts';
import { RetentionRun, type RetentionRunDocument } from '../../models/retention-run.ts';
import { RollupWalk, type RollupWalkDocument } from '../../models/rollup-walk.ts';

/** Work that the workers do by themselves, and when it was last through. */

const READ_TIMEOUT_MS = 3_000;
const options = { maxTimeMS: READ_TIMEOUT_MS };

export type Schedule = { name: string; lastAt?: Date };

const schedule = (name: string, lastAt: Date | undefined): Schedule => ({ name, ...(lastAt ? { lastAt } : {}) });

/** Every schedule; without a moment when it was never through. */
export async function readSchedules(): Promise<Schedule[]> {
  const walks = nativeCollection<ReconciliationWalkDocument>(ReconciliationWalk);
  const runs = nativeCollection<RetentionRunDocument>(RetentionRun);
  const [passes, run, counted] = await Promise.all([
    walks.find({}, { projection: { endedAt: 1 }, ...options }).toArray(),
    runs.findOne({}, { projection: { endedAt: 1 }, sort: { _id: -1 }, ...options }),
    nativeCollection<RollupWalkDocument>(RollupWalk).findOne(
      { _id: 'requests' },
      { projection: { caughtUpAt: 1 }, ...options },
    ),
  ]);
  const endOf = (name: string) => passes.find(({ _id }) => _id === name)?.endedAt;
  return [
    schedule('retention', run?.endedAt),
    schedule('rollups', counted?.caughtUpAt),
    ...WALKS.map((name) => schedule(`reconcile_${name}`, endOf(name))),
  ];
}
