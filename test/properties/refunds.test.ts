import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { executeAdjustment } from '../../src/billing/adjustment-execution.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { type AccountDocument, newAccount } from '../../src/models/account.ts';
import type { AdjustmentDocument } from '../../src/models/adjustment.ts';
import type { LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import { silent } from '../billing/teller.ts';
import { runs } from '../helpers/property-runs.ts';
import { installCollections } from '../simulation/collections.ts';
import { createTable } from '../simulation/engine/table.ts';

/** P15: refunds of one request, carried out at once by several processes in any order of their reads and writes. */

const AT = new Date('2026-11-25T12:00:00Z');
const [ACCOUNT, REQUEST] = ['acc_1', 'req_1'];

function world(costMicros: bigint, amounts: readonly bigint[]) {
  const names = ['accounts', 'requests', 'ledger', 'adjustments', 'reconciliation_alerts'];
  const tables = Object.fromEntries(names.map((name) => [name, createTable()]));
  tables.accounts?.insert(newAccount(ACCOUNT, AT));
  tables.requests?.insert({ _id: REQUEST, accountId: ACCOUNT, costMicros });
  const refunds = amounts.map((amountMicros, index): AdjustmentDocument => {
    const common = { accountId: ACCOUNT, type: 'money', requestId: REQUEST, reason: 'r', proposedBy: 'anna' } as const;
    return { ...common, _id: `adj_${index}`, amountMicros, state: 'approved', proposedAt: AT, expiresAt: AT };
  });
  for (const refund of refunds) tables.adjustments?.insert({ ...refund });
  const account = () => tables.accounts?.get(ACCOUNT) as unknown as AccountDocument;
  const ledger = () => [...(tables.ledger?.rows.values() ?? [])] as unknown as LedgerEntryDocument[];
  const stateOf = (id: string) => tables.adjustments?.get(id)?.state;
  return { tables, refunds, account, ledger, stateOf };
}

test('P15: what is given back of a request is never more than it cost, and only what does not fit is refused', async () => {
  const amount = fc.bigInt({ min: 1n, max: 60n });
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt({ min: 0n, max: 150n }),
      fc.array(amount, { minLength: 1, maxLength: 5 }),
      fc.scheduler(),
      async (costMicros, amounts, scheduler) => {
        const { tables, refunds, account, ledger, stateOf } = world(costMicros, amounts);
        const uninstall = installCollections({
          tables,
          call: (label, apply) => scheduler.schedule(Promise.resolve(), label).then(apply),
          rewrite: (sent) => sent,
          now: () => AT,
          onRefusal: (message) => {
            throw new Error(message);
          },
        });
        try {
          // Each is carried out twice, as when a sweeper meets its approver; entries move to the ledger meanwhile.
          const carriedOut = [...refunds, ...refunds].map((one) => executeAdjustment(one).catch(() => undefined));
          const flushed = [1, 2].map(() => flushOutboxes([ACCOUNT], silent));
          await scheduler.waitFor(Promise.all([...carriedOut, ...flushed]));
          await scheduler.waitFor(flushOutboxes([ACCOUNT], silent));
        } finally {
          uninstall();
        }
        const entries = ledger();
        const givenMicros = entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0n);
        expect(givenMicros).toBeLessThanOrEqual(costMicros);
        expect(account().availableMicros).toBe(givenMicros);
        for (const { _id, amountMicros } of refunds) {
          const isMade = entries.some((entry) => entry._id === `adj:${_id}`);
          expect([_id, stateOf(_id)]).toEqual([_id, isMade ? 'executed' : 'refused']);
          if (!isMade) expect(givenMicros + amountMicros).toBeGreaterThan(costMicros);
        }
      },
    ),
    runs(150),
  );
});
