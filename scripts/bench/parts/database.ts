/** The six writes of a request and the flush they share, by the product's own writers, and nothing else. */
import {
  type AccountWriter,
  createAccount,
  createAccountWriter,
  creditAccount,
  settlementOf,
} from '../../../src/billing/account.ts';
import { flushOutboxes } from '../../../src/billing/ledger.ts';
import { newId } from '../../../src/ids.ts';
import { createLogger } from '../../../src/log.ts';
import { connectMongo, disconnectMongo } from '../../../src/models/connect.ts';
import type { RequestDocument } from '../../../src/models/request.ts';
import { MICROS_PER_RUB } from '../../../src/money.ts';
import { createRequestWriter, type RequestWriter } from '../../../src/requests/writer.ts';
import { asPart, type PartCall, runPart } from './part-run.ts';

const HOLD_MICROS = 20_000n;
const COST_MICROS = 5_000n;
const OPEN_MAX = 500;
const FLUSH_MS = 250;
const DEADLINE_MS = 600_000;
const LEASE_MS = 60_000;
/** As large as the sealed texts of the benchmark's requests. */
const INPUT = Buffer.alloc(420, 7);
const RESULT = Buffer.alloc(700, 7);

type Writers = { account: AccountWriter; request: RequestWriter; accountId: string; keyId: string };

function newRequest({ accountId, keyId }: Writers): RequestDocument {
  const createdAt = new Date();
  return {
    _id: newId('req'),
    accountId,
    keyId,
    endpoint: 'chat',
    model: 'bench/plain',
    mode: 'sync',
    stream: false,
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

async function answerPath(request: RequestDocument, { account, request: writer }: Writers): Promise<void> {
  const { _id: requestId, accountId, keyId, createdAt: at } = request;
  await writer.insert(request, false);
  const expiresAt = new Date(request.deadlineAt.getTime() + 60_000);
  const hold = { accountId, requestId, keyId, amountMicros: HOLD_MICROS, expiresAt, at, openMax: OPEN_MAX, caps: {} };
  if (!(await account.hold(hold)).held) throw new Error('the hold was refused');
  const claimed = await writer.claim(requestId);
  if (!claimed) throw new Error('the claim was refused');
  const finished = await writer.finish({
    requestId,
    attempt: claimed.attempt,
    state: 'done',
    usage: { inputTokens: 50, outputTokens: 20 },
    usageSource: 'provider',
    costMicros: COST_MICROS,
    review: false,
    attempts: [],
    finishedAt: new Date(),
    forgetContent: false,
    webhook: false,
    result: RESULT,
    resultKind: 'json',
  } as unknown as Parameters<RequestWriter['finish']>[0]);
  if (!finished) throw new Error('the answer was refused');
}

async function settle(request: RequestDocument, { account, request: writer }: Writers): Promise<void> {
  await account.settle(settlementOf({ ...request, costMicros: COST_MICROS }));
  await writer.markSettled(request._id);
}

function call(writers: Writers): PartCall {
  const request = newRequest(writers);
  const path = answerPath(request, writers);
  return { path, whole: path.then(() => settle(request, writers)) };
}

async function main(windowMs: number, heatMs: number): Promise<void> {
  const { MONGODB_URI: uri = '', MONGODB_DATABASE: database = '' } = process.env;
  await connectMongo({ uri, database, poolMax: 20 });
  const accountId = newId('acc');
  await createAccount(accountId);
  const grant = { accountId, entryId: newId('adj'), amountMicros: 1_000_000n * MICROS_PER_RUB };
  await creditAccount({ ...grant, kind: 'grant' });
  const writers = {
    account: createAccountWriter(),
    request: createRequestWriter({ worker: 'part', leaseMs: LEASE_MS }),
    accountId,
    keyId: newId('key'),
  };
  const log = createLogger({ role: 'bench', level: 'silent' });
  let flushing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    flushing = flushing.then(() => flushOutboxes(writers.account.takeDirty(), log)).catch(() => undefined);
  }, FLUSH_MS);
  await runPart(windowMs, heatMs, () => call(writers));
  clearInterval(timer);
  await flushing;
  await disconnectMongo();
}

await asPart(main);
