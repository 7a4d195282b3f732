import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Collection, MongoNetworkError } from 'mongodb';
import { newId } from '../../src/ids.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { createRequestWriter } from '../../src/requests/writer.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** Who may run a request, and whose end of it counts. Two that both believe it would call the provider twice. */

useStores();

const LEASE_MS = 4_000;
const worker = () => createRequestWriter({ worker: newId('wrk'), leaseMs: LEASE_MS });

afterEach(() => {
  jest.restoreAllMocks();
});

async function request(row: Partial<RequestDocument> = {}): Promise<string> {
  const _id = newId('req');
  const fresh: Partial<RequestDocument> = {
    _id,
    accountId: 'acc_of_nobody',
    keyId: 'key_of_nobody',
    state: 'accepted',
    attempt: 0,
    call: 'none',
    holdMicros: 1n,
    settled: false,
    attempts: [],
  };
  await requests().insertOne({ ...fresh, ...row } as RequestDocument & { _id: string });
  return _id;
}

const overdue = { state: 'running', attempt: 1, call: 'sent', leaseUntil: new Date(0) } as const;

describe.each([
  ['that waits', {}, 1],
  ['whose lease is over', overdue, 2],
] as const)('a request %s', (_, row, attempt) => {
  test('claimed by many workers, and many times by each within one group, is had once', async () => {
    const id = await request(row);
    const claims = Array.from({ length: 4 }, worker).flatMap((writer) =>
      Array.from({ length: 20 }, () => writer.claim(id)),
    );
    const won = (await Promise.all(claims)).filter((claimed) => claimed !== null);
    expect(won).toHaveLength(1);
    expect(won[0]).toMatchObject({ state: 'running', attempt });
  });

  test('claimed twice in a group that another claim leads is had once', async () => {
    const [first, id] = [await request(), await request(row)];
    const writer = worker();
    // Two flights may be up at once; what comes behind them meets in one group.
    const leading = [writer.claim(first), writer.claim(first)];
    const both = await Promise.all([writer.claim(id), writer.claim(id), writer.claim(id)]);
    await Promise.all(leading);
    expect(both.filter((claimed) => claimed !== null)).toHaveLength(1);
  });
});

test('a request with a living lease, or one that has ended, is not to be had', async () => {
  const living = await request({ ...overdue, leaseUntil: new Date(Date.now() + 60_000) });
  const ended = await request({ state: 'done', settled: true });
  const writer = worker();
  expect(await Promise.all([writer.claim(living), writer.claim(ended)])).toEqual([null, null]);
});

test('a claim whose reply and first looks at its row were lost is still had by the one who made it', async () => {
  const id = await request();
  const broken = () => {
    throw new MongoNetworkError('the connection broke');
  };
  const method = 'findOneAndUpdate' as const;
  const claim = Collection.prototype[method] as (...args: unknown[]) => Promise<unknown>;
  jest.spyOn(Collection.prototype, method).mockImplementationOnce(async function (
    this: Collection,
    ...args: unknown[]
  ) {
    await claim.apply(this, args);
    return broken();
  });
  jest.spyOn(Collection.prototype, 'find').mockImplementationOnce(broken).mockImplementationOnce(broken);
  expect(await worker().claim(id)).toMatchObject({ _id: id, state: 'running', attempt: 1 });
});

test('the end written by a worker that lost its lease does not count', async () => {
  const id = await request();
  const [late, next] = [worker(), worker()];
  const first = await late.claim(id);
  await requests().updateOne({ _id: id }, { $set: { leaseUntil: new Date(0) } });
  const second = await next.claim(id);
  const finish = (attempt: number, costMicros: bigint) => ({
    requestId: id,
    attempt,
    state: 'done' as const,
    costMicros,
    usageSource: 'provider' as const,
    attempts: [],
    finishedAt: new Date(),
    forgetContent: false,
    webhook: false,
  });
  expect(await late.finish(finish(first?.attempt ?? 0, 1n))).toBe(false);
  expect(await next.finish(finish(second?.attempt ?? 0, 0n))).toBe(true);
  expect(await next.finish(finish(second?.attempt ?? 0, 0n))).toBe(true);
  expect(await requests().findOne({ _id: id })).toMatchObject({ state: 'done', attempt: 2, costMicros: 0n });
});
