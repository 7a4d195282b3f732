import mongoose from 'mongoose';
import { type AccountWriter, createAccountWriter } from '../../src/billing/account.ts';
import { spendBuckets } from '../../src/billing/account-updates.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { MICROS_PER_RUB } from '../../src/money.ts';

/** How fast one account's money can move, against how fast the engine updates one small document at all. */
export type HotAccount = {
  /** Plain `$inc` updates of one document, by as many callers as serve it best. */
  updatesPerSecond: number;
  /** Holds of one account, each settled with a charge afterwards. */
  holdsPerSecond: number;
};

type Counter = { _id: string; count: bigint };

const CALLERS = [1, 8] as const;
const HOLDERS = 100;
const OPEN_MAX = 500;
const FLUSH_MS = 250;
const HOLD_MICROS = 20_000n;
const COST_MICROS = 5_000n;

/** Calls per second of `act` by so many callers that each wait for their own call. */
async function callsPerSecond(callers: number, windowMs: number, act: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  let calls = 0;
  const caller = async () => {
    while (performance.now() - startedMs < windowMs) {
      await act();
      calls++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (calls * 1_000) / (performance.now() - startedMs);
}

async function newAccount(): Promise<string> {
  const accountId = newId('acc');
  await createAccount(accountId);
  await creditAccount({
    accountId,
    entryId: newId('adj'),
    amountMicros: 1_000_000n * MICROS_PER_RUB,
    kind: 'grant',
  });
  return accountId;
}

async function plainUpdates(windowMs: number): Promise<number> {
  const documents = mongoose.connection.getClient().db(mongoose.connection.name).collection<Counter>('bench_counters');
  const _id = newId('acc');
  await documents.insertOne({ _id, count: 0n });
  const rates: number[] = [];
  for (const callers of CALLERS) {
    rates.push(
      await callsPerSecond(callers, windowMs / CALLERS.length, async () => {
        await documents.updateOne({ _id }, { $inc: { count: 1n } });
      }),
    );
  }
  return Math.max(...rates);
}

async function holdAndSettle(writer: AccountWriter, accountId: string, keyId: string): Promise<void> {
  const at = new Date();
  const requestId = newId('req');
  const held = await writer.hold({
    accountId,
    requestId,
    keyId,
    amountMicros: HOLD_MICROS,
    expiresAt: new Date(at.getTime() + 60_000),
    at,
    openMax: OPEN_MAX,
    caps: {},
  });
  if (!held.held) throw new Error(`the hold was refused: ${held.refusal.reason}`);
  await writer.settle({
    accountId,
    requestId,
    keyId,
    holdMicros: HOLD_MICROS,
    costMicros: COST_MICROS,
    ...spendBuckets(at),
  });
}

async function holds(windowMs: number): Promise<number> {
  const log = createLogger({ role: 'bench', level: 'silent' });
  const writer = createAccountWriter();
  const accountId = await newAccount();
  const keyId = newId('key');
  let flushing = Promise.resolve(0);
  const timer = setInterval(() => {
    flushing = flushing.then(() => flushOutboxes(writer.takeDirty(), log)).catch(() => 0);
  }, FLUSH_MS);
  try {
    return await callsPerSecond(HOLDERS, windowMs, () => holdAndSettle(writer, accountId, keyId));
  } finally {
    clearInterval(timer);
    await flushing;
  }
}

/** Needs mongoose connected. @param windowMs how long each of the two is measured. */
export async function measureHotAccount(windowMs: number): Promise<HotAccount> {
  return { updatesPerSecond: await plainUpdates(windowMs), holdsPerSecond: await holds(windowMs) };
}
