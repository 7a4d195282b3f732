import { createAccountWriter, settlementOf } from '../../../src/billing/account.ts';
import { createAccount, creditAccount } from '../../../src/billing/credit.ts';
import { flushOutboxes } from '../../../src/billing/ledger.ts';
import { newId } from '../../../src/ids.ts';
import { createLogger } from '../../../src/log.ts';
import { connectMongo, disconnectMongo } from '../../../src/models/connect.ts';
import type { RequestDocument } from '../../../src/models/request.ts';
import { MICROS_PER_RUB } from '../../../src/money.ts';
import { createRequestWriter, type RequestWriter } from '../../../src/requests/writer.ts';

/** The six writes of a request and the flush they share, by the product's own writers, for the parts that need them. */

const HOLD_MICROS = 20_000n;
const COST_MICROS = 5_000n;
/** As the benchmark's clients: an account takes no more than so many at once, the next account has the rest. */
const OPEN_PER_ACCOUNT = 250;
const OPEN_MAX = 500;
const ACCOUNTS = 4;
const FLUSH_MS = 250;
const DEADLINE_MS = 600_000;
const LEASE_MS = 60_000;
/** As large as the sealed prompts of the benchmark's requests. */
const INPUT = Buffer.alloc(420, 7);

export type Writes = {
  /** What the api writes before it queues. */
  accept(stream: boolean): Promise<RequestDocument>;
  /** @returns the attempt. */
  claim(requestId: string): Promise<number>;
  finish(requestId: string, attempt: number, result: Buffer): Promise<void>;
  settle(request: RequestDocument): Promise<void>;
  close(): Promise<void>;
};

function newRequest(accountId: string, keyId: string, stream: boolean): RequestDocument {
  const createdAt = new Date();
  return {
    _id: newId('req'),
    accountId,
    keyId,
    endpoint: 'chat',
    model: 'bench/plain',
    mode: 'sync',
    stream,
    includeUsage: false,
    holdMicros: HOLD_MICROS,
    inputTokensBound: 200,
    outputTokensMax: 256,
    choices: 1,
    onDisconnect: 'cancel',
    zeroRetention: false,
    replyTo: 'reply:part',
    state: 'accepted',
    attempt: 0,
    attemptsMax: 1,
    call: 'none',
    input: INPUT,
    settled: false,
    attempts: [],
    watchers: 1,
    createdAt,
    deadlineAt: new Date(createdAt.getTime() + DEADLINE_MS),
  } as unknown as RequestDocument;
}

function finishOf(requestId: string, attempt: number, result: Buffer): Parameters<RequestWriter['finish']>[0] {
  return {
    requestId,
    attempt,
    state: 'done',
    usage: { inputTokens: 50, outputTokens: 20 },
    usageSource: 'provider',
    costMicros: COST_MICROS,
    review: false,
    attempts: [],
    finishedAt: new Date(),
    forgetContent: false,
    webhook: false,
    result,
    resultKind: 'json',
  } as unknown as Parameters<RequestWriter['finish']>[0];
}

type Payer = { accountId: string; keyId: string; open: number };

async function newPayer(): Promise<Payer> {
  const accountId = newId('acc');
  await createAccount(accountId);
  const grant = { accountId, entryId: newId('adj'), amountMicros: 1_000_000n * MICROS_PER_RUB };
  await creditAccount({ ...grant, kind: 'grant' });
  return { accountId, keyId: newId('key'), open: 0 };
}

/** Accounts with much money in the benchmark's database, and writers for them. */
export async function openWrites(): Promise<Writes> {
  const { MONGODB_URI: uri = '', MONGODB_DATABASE: database = '' } = process.env;
  await connectMongo({ uri, database, poolMax: 20 });
  const payers = await Promise.all(Array.from({ length: ACCOUNTS }, newPayer));
  const byAccount = new Map(payers.map((payer) => [payer.accountId, payer]));
  const account = createAccountWriter();
  const writer = createRequestWriter({ worker: 'part', leaseMs: LEASE_MS });
  const log = createLogger({ role: 'bench', level: 'silent' });
  let flushing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    flushing = flushing.then(() => flushOutboxes(account.takeDirty(), log)).catch(() => undefined);
  }, FLUSH_MS);
  return {
    accept: async (stream) => {
      const payer = payers.find(({ open }) => open < OPEN_PER_ACCOUNT) ?? payers[0];
      if (!payer) throw new Error('no account');
      payer.open++;
      const { accountId, keyId } = payer;
      const request = newRequest(accountId, keyId, stream);
      const { _id: requestId, createdAt: at, deadlineAt } = request;
      await writer.insert(request, false);
      const expiresAt = new Date(deadlineAt.getTime() + 60_000);
      const money = { amountMicros: HOLD_MICROS, openMax: OPEN_MAX, caps: {} };
      const { held } = await account.hold({ accountId, requestId, keyId, expiresAt, at, ...money });
      if (!held) throw new Error('the hold was refused');
      return request;
    },
    claim: async (requestId) => {
      const claimed = await writer.claim(requestId);
      if (!claimed) throw new Error('the claim was refused');
      return claimed.attempt;
    },
    finish: async (requestId, attempt, result) => {
      if (!(await writer.finish(finishOf(requestId, attempt, result)))) throw new Error('the answer was refused');
    },
    settle: async (request) => {
      await account.settle(settlementOf({ ...request, costMicros: COST_MICROS }));
      const payer = byAccount.get(request.accountId);
      if (payer) payer.open--;
      await writer.markSettled(request._id);
    },
    close: async () => {
      clearInterval(timer);
      await flushing;
      await disconnectMongo();
    },
  };
}
