import type { AccountDocument } from '../../src/models/account.ts';
import type { LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import type { RequestDocument, RequestState } from '../../src/models/request.ts';
import type { Change } from './engine/table.ts';

/** I1-I10, looked at after every single write, and the end of the story when everything has come to rest. */

export type Invariants = {
  accountChanged(change: Change): void;
  requestChanged(change: Change): void;
  ledgerChanged(change: Change): void;
  providerCalled(requestId: string): void;
  /** A client was told that its request is accepted and will be done without it. */
  promised(requestId: string): void;
  /** A client without a key was told to send its request again. */
  refused(requestId: string): void;
  credited(entryId: string): void;
  atRest(): void;
};

type Rows = {
  accounts(): readonly AccountDocument[];
  requests(): readonly RequestDocument[];
  ledger(): readonly LedgerEntryDocument[];
  requestOf(requestId: string): RequestDocument | undefined;
};

const NEXT: Readonly<Record<RequestState, readonly RequestState[]>> = {
  accepted: ['accepted', 'running', 'cancelled', 'failed', 'aborted'],
  running: ['running', 'done', 'failed', 'cancelled'],
  done: ['done'],
  failed: ['failed'],
  cancelled: ['cancelled'],
  aborted: ['aborted'],
};
const TERMINAL: ReadonlySet<RequestState> = new Set(['done', 'failed', 'cancelled', 'aborted']);

const sumOf = <T>(items: Iterable<T>, amount: (item: T) => bigint) => {
  let sum = 0n;
  for (const item of items) sum += amount(item);
  return sum;
};

export function createInvariants(rows: Rows, violation: (message: string) => void): Invariants {
  const flushed = new Map<string, { sumMicros: bigint; ids: Set<string> }>();
  const calls = new Map<string, number>();
  const told = new Set<string>();
  const refused = new Set<string>();
  const credits = new Set<string>();

  const ledgerOf = (accountId: string) => {
    const known = flushed.get(accountId) ?? { sumMicros: 0n, ids: new Set<string>() };
    flushed.set(accountId, known);
    return known;
  };

  function chargeIsRight({ _id, requestId = '', amountMicros }: AccountDocument['outbox'][number]): void {
    const request = rows.requestOf(requestId);
    if (!request || !TERMINAL.has(request.state)) violation(`I5 ${_id} is charged before its request has ended`);
    else if (amountMicros !== -(request.costMicros ?? 0n)) violation(`I5 ${_id} charges ${amountMicros}, not its cost`);
    else if (request.state !== 'done' && request.error?.code !== 'interrupted' && request.state !== 'cancelled')
      violation(`I6 ${_id} charges a request that is ${request.state}`);
  }

  return {
    accountChanged: ({ before, after }) => {
      const account = after as unknown as AccountDocument;
      const { _id, availableMicros, heldMicros, open, holds, outbox } = account;
      if (availableMicros < 0n || heldMicros < 0n) violation(`I1 ${_id} has ${availableMicros}, holds ${heldMicros}`);
      const all = Object.values(holds);
      const held = sumOf(all, (hold) => hold.amountMicros);
      if (held !== heldMicros || all.length !== open) violation(`I2 ${_id} says ${heldMicros} in ${open}, has ${held}`);
      const { sumMicros, ids } = ledgerOf(_id);
      const waiting = outbox.filter((entry) => !ids.has(entry._id));
      const books = sumMicros + sumOf(waiting, (entry) => entry.amountMicros);
      if (availableMicros + heldMicros !== books)
        violation(`I3 ${_id} has ${availableMicros + heldMicros}, books ${books}`);
      const known = new Set(((before as AccountDocument | undefined)?.outbox ?? []).map((entry) => entry._id));
      for (const entry of outbox.filter((one) => !known.has(one._id))) {
        if (ids.has(entry._id)) violation(`I5 ${entry._id} is entered a second time`);
        if (entry.kind === 'charge') chargeIsRight(entry);
      }
      const outboxIds = new Set(outbox.map((entry) => entry._id));
      for (const id of known) if (!outboxIds.has(id) && !ids.has(id)) violation(`I3 ${id} left the outbox unwritten`);
    },
    requestChanged: ({ before, after }) => {
      const now = after as unknown as RequestDocument;
      const was = before as unknown as RequestDocument | undefined;
      if (was && !NEXT[was.state].includes(now.state))
        violation(`I5 ${now._id} went from ${was.state} to ${now.state}`);
      if (was && TERMINAL.has(was.state) && was.costMicros !== now.costMicros)
        violation(`I7 the cost of ${now._id} changed after its end`);
      const cost = now.costMicros ?? 0n;
      if (cost < 0n || cost > now.holdMicros) violation(`I7 ${now._id} costs ${cost} of ${now.holdMicros} held`);
    },
    ledgerChanged: ({ before, after }) => {
      const entry = after as unknown as LedgerEntryDocument;
      if (before) violation(`I4 the ledger entry ${entry._id} was changed`);
      const known = ledgerOf(entry.accountId);
      known.sumMicros += entry.amountMicros;
      known.ids.add(entry._id);
    },
    providerCalled: (requestId) => {
      const count = (calls.get(requestId) ?? 0) + 1;
      calls.set(requestId, count);
      if (count > 1) violation(`I9 the provider was called ${count} times for ${requestId}`);
    },
    promised: (requestId) => {
      told.add(requestId);
    },
    refused: (requestId) => {
      refused.add(requestId);
    },
    credited: (entryId) => {
      credits.add(entryId);
    },
    atRest: () => {
      for (const account of rows.accounts()) {
        const entries = rows
          .ledger()
          .filter(({ accountId }) => accountId === account._id)
          .sort((a, b) => Number(a.seq - b.seq));
        let afterMicros = 0n;
        entries.forEach((entry, index) => {
          afterMicros += entry.amountMicros;
          if (entry.seq !== BigInt(index + 1)) violation(`I4 ${account._id} has entry ${entry.seq} at ${index + 1}`);
          if (entry.afterMicros !== afterMicros) violation(`I4 ${entry._id} says ${entry.afterMicros} after it`);
        });
        if (afterMicros !== account.availableMicros) violation(`I3 ${account._id} does not equal its ledger`);
      }
      const ids = new Set(rows.ledger().map(({ _id }) => _id));
      for (const { _id, state, costMicros = 0n } of rows.requests()) {
        if (ids.has(`${_id}:settle`) !== costMicros > 0n) violation(`I5 ${_id} is ${state}, costs ${costMicros}`);
        if (costMicros > 0n && !calls.has(_id)) violation(`I10 ${_id} is charged without a call`);
      }
      for (const id of told) {
        const state = rows.requestOf(id)?.state;
        if (state === undefined || state === 'aborted') violation(`I11 ${id} was promised and is ${state ?? 'gone'}`);
      }
      for (const id of refused) {
        const { state, costMicros = 0n } = rows.requestOf(id) ?? {};
        if (costMicros > 0n || state === 'done')
          violation(`I10 ${id} was refused and is ${state}, costs ${costMicros}`);
      }
      for (const id of credits) if (!ids.has(id)) violation(`I8 ${id} was confirmed and is not in the ledger`);
    },
  };
}
