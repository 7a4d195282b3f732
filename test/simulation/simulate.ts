import { toAppError } from '../../src/errors.ts';
import { lowestIdAt } from '../../src/ids.ts';
import { type AccountDocument, newAccount } from '../../src/models/account.ts';
import type { LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import type { Acceptance } from '../../src/requests/accept.ts';
import { planChat } from '../../src/requests/plan.ts';
import { type Api, type Payment, startApi, startPayments, startWorker, type World } from './actors.ts';
import { installCollections } from './collections.ts';
import { type Counts, createFaults, createStoreCall, type Weather } from './faults.ts';
import { createInvariants, type Invariants } from './invariants.ts';
import { type Mutant, REAL_STEPS } from './mutants.ts';
import { createScheduler, installClock, type Process, type Scheduler } from './scheduler.ts';
import { createJobs, createTables, MODEL } from './world.ts';

/**
 * One history of the whole product under faults, decided by its seed: the product's own modules over an in-memory store,
 * one step at a time, with the invariants checked at every write. Then the faults stop, and all must come to rest.
 */
export type Result = {
  seed: number;
  violations: string[];
  counts: Counts;
  steps: number;
  /** Over everything that happened: equal for equal seeds. */
  hash: string;
};

/** Shortly before a day and a month end, so that their spend counters change in the middle. */
const START_MS = Date.UTC(2026, 10, 30, 23, 59, 50);
const FAULTS_MS = 16_000;
const REST_MS_MAX = 120_000;
const STEPS_MAX = 80_000;
const REST_CHECK_STEPS = 30;
const ACCOUNTS = ['acc_00000000000000000000000001', 'acc_00000000000000000000000002'] as const;
const CLIENTS = 16;
const PAYMENTS = 6;

export async function simulate(
  seed: number,
  options: { mutant?: Mutant; weather?: Weather; trace?: (line: string) => void } = {},
): Promise<Result> {
  const scheduler = createScheduler(seed, START_MS, options.trace);
  const uninstallClock = installClock();
  const history = createHistory(scheduler, options.weather ?? options.mutant?.weather ?? 'usual', options.mutant);
  try {
    return await live(seed, scheduler, history);
  } finally {
    history.uninstall();
    uninstallClock();
  }
}

type History = ReturnType<typeof createHistory>;

async function live(seed: number, scheduler: Scheduler, history: History): Promise<Result> {
  const { violations, faults } = history;
  while (scheduler.nowMs() < START_MS + FAULTS_MS && violations.length === 0) {
    await scheduler.step();
    history.harm();
  }
  faults.active = false;
  history.heal();
  for (let steps = 1; violations.length === 0; steps++) {
    await scheduler.step();
    if (steps % REST_CHECK_STEPS !== 0) continue;
    if (history.isAtRest()) {
      history.invariants.atRest();
      break;
    }
    if (scheduler.nowMs() > START_MS + FAULTS_MS + REST_MS_MAX || steps > STEPS_MAX)
      violations.push(`liveness: ${history.unrest()}`);
  }
  return { seed, violations, counts: faults.counts, steps: scheduler.steps(), hash: scheduler.hash() };
}

function createHistory(scheduler: Scheduler, weather: Weather, mutant: Mutant | undefined) {
  const { random } = scheduler;
  const violations: string[] = [];
  const faults = createFaults(weather);
  const call = createStoreCall(scheduler, faults);
  const jobs = createJobs(scheduler, call);
  const violation = (message: string) => {
    scheduler.note(`VIOLATION ${message}`);
    violations.push(message);
  };
  const tables = createTables(() => ({
    ...invariants,
    requestChanged: (change) => {
      scheduler.note(`  ${String(change.after._id)} is ${String(change.after.state)}`);
      invariants.requestChanged(change);
    },
    accountChanged: (change) => {
      scheduler.note(`  ${String(change.after._id)} holds ${Object.keys(change.after.holds as object).join()}`);
      invariants.accountChanged(change);
    },
  }));
  const requestRows = () => [...tables.requests.rows.values()] as unknown as RequestDocument[];
  const accountRows = () => [...tables.accounts.rows.values()] as unknown as AccountDocument[];
  const invariants: Invariants = createInvariants(
    {
      accounts: accountRows,
      requests: requestRows,
      ledger: () => [...tables.ledger.rows.values()] as unknown as LedgerEntryDocument[],
      requestOf: (id) => tables.requests.get(id) as unknown as RequestDocument | undefined,
    },
    violation,
  );
  const uninstall = installCollections({
    tables,
    call,
    rewrite: mutant?.rewrite ?? ((sent) => sent),
    now: () => new Date(scheduler.nowMs()),
    onRefusal: (message) => violation(`the server had to refuse: ${message}`),
  });
  let ids = 0;
  const newRequestId = () => `${lowestIdAt('req', scheduler.nowMs()).slice(0, 14)}${String(++ids).padStart(16, '0')}`;
  const steps = { ...REAL_STEPS, ...mutant?.steps };
  const world: World = { scheduler, faults, jobs, invariants, steps, newRequestId };
  for (const _id of ACCOUNTS) tables.accounts.insert(newAccount(_id, new Date(START_MS)));

  const population = createPopulation(world);
  const payments = Array.from({ length: PAYMENTS }, (_, index): Payment => {
    const accountId = ACCOUNTS[index % ACCOUNTS.length] ?? ACCOUNTS[0];
    return { entryId: `pay:test:${index}`, accountId, amountMicros: BigInt(random.between(10_000, 90_000)) };
  });
  startPayments(world, payments);
  for (let client = 0; client < CLIENTS; client++) startClient(client, world, population.api);

  const unsettled = () => requestRows().filter(({ settled }) => !settled);
  const uneasy = () => accountRows().filter(({ open, outbox }) => open > 0 || outbox.length > 0);
  const uncredited = () => payments.filter(({ entryId }) => !tables.ledger.get(entryId));
  return {
    violations,
    faults,
    invariants,
    uninstall,
    harm: population.harm,
    heal: population.heal,
    isAtRest: () => unsettled().length + uneasy().length + uncredited().length === 0,
    unrest: () =>
      [
        ...unsettled().map(({ _id, state }) => `${_id} is ${state} and not settled`),
        ...uneasy().map(({ _id, open, outbox }) => `${_id} has ${open} holds, ${outbox.length} entries waiting`),
        ...uncredited().map(({ entryId }) => `${entryId} is not credited`),
      ].join('; '),
  };
}

const APIS = 2;
const WORKERS = 3;

/** Who is alive, and who is hit when. The dead are replaced. */
function createPopulation(world: World) {
  const { scheduler, faults, jobs } = world;
  const { random } = scheduler;
  let born = 0;
  const api = (): Api => startApi(world, `api${++born}`);
  const apis = Array.from({ length: APIS }, api);
  const isHeard = (channel: string) => apis.some(({ process }) => process.alive && process.name === channel);
  const worker = (): Process => startWorker(world, `worker${++born}`, isHeard);
  const workers = Array.from({ length: WORKERS }, worker);

  function kill(process: Process): void {
    process.alive = false;
    faults.counts.kills++;
    scheduler.note(`${process.name} is killed`);
  }

  return {
    api: () => apis[random.between(0, apis.length - 1)] as Api,
    /** After each step, seldom. */
    harm: () => {
      const draw = random.next();
      if (draw < 0.0016) {
        const place = random.between(0, workers.length - 1);
        kill(workers[place] as Process);
        workers[place] = worker();
      } else if (draw < 0.0032) {
        const place = random.between(0, apis.length - 1);
        kill((apis[place] as Api).process);
        apis[place] = api();
      } else if (draw < 0.0056) {
        const all = [...workers, ...apis.map(({ process }) => process)];
        const process = all[random.between(0, all.length - 1)] as Process;
        process.pausedUntilMs = scheduler.nowMs() + random.between(100, 6_000);
        faults.counts.pauses++;
        scheduler.note(`${process.name} is paused`);
      } else if (draw < 0.0064) {
        jobs.lose(random.chance(0.5));
        faults.counts.redisLosses++;
        scheduler.note('redis loses jobs');
      }
    },
    heal: () => {
      for (const process of [...workers, ...apis.map((one) => one.process)]) process.pausedUntilMs = 0;
    },
  };
}

const TRIES_MAX = 4;
const ANSWER_WAIT_MS = 3_000;

/** A client sends one request or repeats it under its key, asks to stop it, or goes away. Nobody owns it but the test. */
function startClient(client: number, world: World, api: () => Api): void {
  const { scheduler, faults, invariants } = world;
  const { random } = scheduler;
  const accountId = random.pick(ACCOUNTS);
  const isAsync = random.chance(0.5);
  const hasKey = random.chance(0.5);
  const outputTokens = random.between(1, 100);
  const plan = planChat(
    { messages: [{ role: 'user', content: 'hi' }], max_tokens: outputTokens },
    { ...MODEL, model: { contextTokensMax: 1_000, outputTokensMax: 1_000, outputTokensDefault: 100 } } as typeof MODEL,
    {},
  );
  const bodyText = JSON.stringify({
    model: 'model',
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: outputTokens,
  });

  function acceptance(via: Api): Acceptance {
    const requestId = world.newRequestId();
    return {
      requestId,
      accountId,
      keyId: 'key_00000000000000000000000001',
      endpoint: 'chat.completions',
      model: 'model',
      mode: isAsync ? 'async' : 'sync',
      stream: false,
      bodyText,
      includeUsage: false,
      price: MODEL.price,
      ...plan,
      caps: {},
      onDisconnect: 'cancel',
      zeroRetention: false,
      webhook: false,
      ...(isAsync ? {} : { replyTo: via.process.name }),
      ...(hasKey
        ? {
            idempotency: {
              key: `client-${client}`,
              fingerprint: 'same',
            },
          }
        : {}),
    };
  }

  function ask(attempt: number): void {
    if (attempt >= TRIES_MAX) return;
    const via = api();
    let answered = false;
    const again = () => {
      if (answered || !hasKey) return;
      answered = true;
      scheduler.add({
        delayMs: random.between(200, 1_500),
        label: `client${client} repeats`,
        run: () => ask(attempt + 1),
      });
    };
    scheduler.add({ delayMs: ANSWER_WAIT_MS, label: `client${client} waits no longer`, run: again });
    faults.counts.requests++;
    const wanted = acceptance(via);
    via.accept(wanted).then(
      ({ request }) => {
        if (!via.process.alive) return;
        answered = true;
        scheduler.note(`client${client} is told that ${request._id} is accepted`);
        if (isAsync) invariants.promised(request._id);
        afterwards(request._id);
      },
      (error: unknown) => {
        const { code } = toAppError(error);
        if (code !== 'unavailable') answered = true;
        else if (hasKey) again();
        else if (via.process.alive) invariants.refused(wanted.requestId);
      },
    );
  }

  function afterwards(requestId: string): void {
    const draw = random.next();
    const delayMs = random.between(0, 1_500);
    const quietly = (act: Promise<unknown>) => void act.catch(() => undefined);
    if (draw < 0.15)
      scheduler.add({
        delayMs,
        label: `client${client} cancels`,
        run: () => quietly(api().cancel(accountId, requestId)),
      });
    else if (draw < 0.35 && !isAsync)
      scheduler.add({ delayMs, label: `client${client} leaves`, run: () => quietly(api().leave(requestId)) });
  }

  scheduler.add({ delayMs: random.between(100, FAULTS_MS - 3_000), label: `client${client} asks`, run: () => ask(0) });
}
