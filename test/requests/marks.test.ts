import { beforeEach, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createRequestWriter } from '../../src/requests/writer.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** The marks that nobody waits for: they gather, share a statement, and none of them undoes another. */

useStores();

beforeEach(async () => void (await requests().deleteMany({})));

async function storeEnded(count: number, webhook: string | undefined): Promise<string[]> {
  const ended = { accountId: 'acc_of_all', keyId: 'key_of_all', state: 'done', attempt: 1, holdMicros: 0n };
  const rows = Array.from({ length: count }, () => ({ _id: newId('req'), ...ended, settled: false }));
  await requests().insertMany(rows.map((row) => (webhook === undefined ? row : { ...row, webhook })) as never);
  return rows.map(({ _id }) => _id);
}

const writer = () => createRequestWriter({ worker: newId('wrk'), leaseMs: 60_000 });

test('both marks of several hundred requests stand there once they are said to be written', async () => {
  const ids = await storeEnded(350, 'pending');
  const { markSettled, markDeliveryCreated, marksWritten } = writer();
  const marks = ids.flatMap((id) => [markSettled(id), markDeliveryCreated(id)]);
  await marksWritten();
  expect(await requests().countDocuments({ settled: true, settledAt: { $exists: true }, webhook: 'created' })).toBe(
    350,
  );
  await Promise.all(marks);
});

test('a mark of one kind leaves the other alone, and a delivery is noted only where one is owed', async () => {
  const [owed = ''] = await storeEnded(1, 'pending');
  const [none = ''] = await storeEnded(1, undefined);
  const { markSettled, markDeliveryCreated, marksWritten } = writer();
  const marks = [markSettled(none), markDeliveryCreated(none), markDeliveryCreated(owed)];
  await marksWritten();
  await Promise.all(marks);
  const [first, second] = [await requests().findOne({ _id: owed }), await requests().findOne({ _id: none })];
  expect(first).toMatchObject({ settled: false, webhook: 'created' });
  expect(second).toMatchObject({ settled: true });
  expect(second).not.toHaveProperty('webhook');
});
