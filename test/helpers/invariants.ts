import { expect } from '@jest/globals';
import { checkAccount } from '../../src/billing/reconcile.ts';
import { Account, type AccountDocument } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import { eventually } from './eventually.ts';

/** The invariants of money and requests, read from the database as it is after the dust has settled. */

const QUIET_MS = 40_000;

export const accounts = () => nativeCollection<AccountDocument>(Account);
export const requests = () => nativeCollection<RequestDocument>(Request);
export const ledger = () => nativeCollection<LedgerEntryDocument>(LedgerEntry);

/** Waits until every request is terminal and settled, no hold is open and every outbox is empty. */
export async function waitForQuiet(timeoutMs = QUIET_MS): Promise<void> {
  await eventually(
    async () => {
      const unsettled = await requests().countDocuments({ settled: false });
      const busy = (
        await accounts()
          .find({}, { projection: { open: 1, outbox: 1 } })
          .toArray()
      ).filter((a) => a.open !== 0 || a.outbox.length > 0);
      expect({ unsettled, busy: busy.length }).toEqual({ unsettled: 0, busy: 0 });
    },
    { timeoutMs },
  );
}

type SandboxCalls = { calls: number; uniqueRequests: number; maxCallsPerRequest: number };

export async function sandboxCalls(sandboxUrl: string): Promise<SandboxCalls> {
  return (await (await fetch(`${sandboxUrl}/sandbox/calls`)).json()) as SandboxCalls;
}

/**
 * I1-I9 and I11 over everything stored: balances never negative and equal to their ledgers, holds closed, each done
 * request charged exactly once and exactly its cost, no other charged beyond what an interruption allows, and no request
 * sent to the provider twice. Call after `waitForQuiet`.
 */
export async function expectInvariants(sandboxUrl: string): Promise<void> {
  for (const account of await accounts().find().toArray()) {
    expect(account.availableMicros).toBeGreaterThanOrEqual(0n);
    expect(account.heldMicros).toBe(0n);
    expect(account.open).toBe(0);
    expect(account.holds).toEqual({});
    expect((await checkAccount(account)).problems).toEqual([]);
    await expectDenseLedger(account);
  }
  await expectChargedOnce();
  expect((await sandboxCalls(sandboxUrl)).maxCallsPerRequest).toBeLessThanOrEqual(1);
}

async function expectDenseLedger(account: AccountDocument): Promise<void> {
  const entries = await ledger().find({ accountId: account._id }).sort({ seq: 1 }).toArray();
  let after = 0n;
  entries.forEach((entry, index) => {
    expect(entry.seq).toBe(BigInt(index + 1));
    after += entry.amountMicros;
    expect(entry.afterMicros).toBe(after);
  });
  expect(after).toBe(account.availableMicros);
}

async function expectChargedOnce(): Promise<void> {
  const charges = new Map<string, LedgerEntryDocument[]>();
  for (const entry of await ledger().find({ kind: 'charge' }).toArray()) {
    charges.set(entry.requestId ?? '', [...(charges.get(entry.requestId ?? '') ?? []), entry]);
  }
  for (const request of await requests()
    .find({}, { projection: { input: 0, result: 0 } })
    .toArray()) {
    const cost = request.costMicros ?? 0n;
    expect(['done', 'failed', 'cancelled', 'aborted']).toContain(request.state);
    expect(cost).toBeLessThanOrEqual(request.holdMicros);
    const own = charges.get(request._id) ?? [];
    expect(own.map((entry) => entry.amountMicros)).toEqual(cost > 0n ? [-cost] : []);
    if (request.state === 'failed' && cost > 0n) expect(request.error?.code).toBe('interrupted');
    charges.delete(request._id);
  }
  expect([...charges.keys()]).toEqual([]);
}
