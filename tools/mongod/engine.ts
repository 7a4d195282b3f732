/** Everything the commands of one gateway share. */
import type { Cursors } from './cursors.ts';
import type { Lanes } from './lanes.ts';
import type { ReplicaSet } from './replica-set.ts';
import type { Storage } from './storage.ts';
import type { Transactions } from './transactions.ts';

export type Engine = {
  storage: Storage;
  lanes: Lanes;
  cursors: Cursors;
  transactions: Transactions;
  replicaSet: ReplicaSet;
  versions: { documentdb: string; postgres: string };
};
