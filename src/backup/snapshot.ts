import type { ClientSession, MongoClient } from 'mongodb';

/**
 * All collections as they were at one moment, however long reading them takes: a balance, its ledger and its requests
 * belong together only then.
 */

/** How the moment is held: by MongoDB's history of versions, or by a transaction on engines that keep none. */
export type SnapshotKind = 'history' | 'transaction';

/** Runs `read` with a session whose every find sees the same moment. */
export async function withSnapshot<T>(
  client: MongoClient,
  database: string,
  read: (session: ClientSession, kind: SnapshotKind) => Promise<T>,
): Promise<T> {
  const session = client.startSession({ snapshot: true });
  try {
    await client
      .db(database)
      .collection('accounts')
      .findOne({}, { session, projection: { _id: 1 } });
    if (holdsMoment(session)) return await read(session, 'history');
  } finally {
    await session.endSession();
  }
  return client.withSession(async (plain) => {
    plain.startTransaction({ readConcern: { level: 'snapshot' } });
    try {
      return await read(plain, 'transaction');
    } finally {
      await plain.abortTransaction();
    }
  });
}

/** The server has told the session which moment it reads. The driver keeps that member out of its types. */
function holdsMoment(session: ClientSession): boolean {
  return 'snapshotTime' in session && session.snapshotTime !== undefined;
}
