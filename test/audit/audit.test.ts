import { beforeEach, expect, test } from '@jest/globals';
import { createAuditLog } from '../../src/audit/append.ts';
import { auditCsv, csvCell } from '../../src/audit/csv.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { useStores } from '../helpers/stores.ts';

useStores();
const pepper = Buffer.alloc(32, 7);
const log = createAuditLog(pepper);
const facts = { actorKind: 'staff', actorId: 'stf_1', action: 'accounts.suspend', outcome: 'begun' } as const;

beforeEach(async () => {
  await AuditEntry.deleteMany({});
});

async function tenEntries(): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, (_, i) => log.append({ ...facts, targetId: `acc_${i}` })));
}

test('many writers at once get one dense chain that verifies', async () => {
  await tenEntries();
  const numbers = (await AuditEntry.find({}).sort({ _id: 1 }).lean()).map(({ _id }) => _id);
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await verifyAudit(pepper)).toMatchObject({ entries: 10, headSeq: 10 });
  expect((await verifyAudit(pepper)).brokenAt).toBeUndefined();
});

test.each([
  ['a changed reason', () => AuditEntry.updateOne({ _id: 4 }, { $set: { reason: 'other' } })],
  ['a changed actor', () => AuditEntry.updateOne({ _id: 4 }, { $set: { actorId: 'stf_2' } })],
  ['a changed time', () => AuditEntry.updateOne({ _id: 4 }, { $set: { at: new Date(0) } })],
  ['an entry taken out', () => AuditEntry.deleteOne({ _id: 4 })],
  ['an entry taken from the start', () => AuditEntry.deleteOne({ _id: 1 })],
  [
    'two entries exchanged',
    async () => {
      const [a, b] = await AuditEntry.find({ _id: { $in: [4, 5] } })
        .sort({ _id: 1 })
        .lean();
      await AuditEntry.updateOne({ _id: 4 }, { $set: { targetId: b?.targetId } });
      await AuditEntry.updateOne({ _id: 5 }, { $set: { targetId: a?.targetId } });
    },
  ],
])('%s is found', async (_, tamper) => {
  await tenEntries();
  await tamper();
  expect((await verifyAudit(pepper)).brokenAt).toBeLessThanOrEqual(4);
});

test('who does not have the key cannot make a chain that verifies', async () => {
  await createAuditLog(Buffer.alloc(32, 8)).append(facts);
  expect((await verifyAudit(pepper)).brokenAt).toBe(1);
});

test.each([
  ['=1+1', `"'=1+1"`],
  ['+7 999', `"'+7 999"`],
  ['-1', `"'-1"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['\t=1', `"'\t=1"`],
  ['  =HYPERLINK("x")', `"'  =HYPERLINK(""x"")"`],
  ['\u0000=1', `"'\u0000=1"`],
  ['plain, "quoted"', '"plain, ""quoted"""'],
  [undefined, '""'],
])('%j becomes %s', (value, cell) => expect(csvCell(value)).toBe(cell));

test('the export has every entry, newest first, and nothing a spreadsheet would calculate', async () => {
  await tenEntries();
  await log.append({ ...facts, reason: '=cmd|calc' });
  const lines: string[] = [];
  for await (const line of auditCsv()) lines.push(line);
  expect(lines).toHaveLength(12);
  expect(lines[0]).toMatch(/^\uFEFF"seq","at"/);
  expect(lines[1]).toContain(`"'=cmd|calc"`);
  expect(lines.join('')).not.toMatch(/"[=+@]/);
});
