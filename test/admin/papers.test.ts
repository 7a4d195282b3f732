import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { ActSignature } from '../../src/models/act-signature.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import type { StaffRole } from '../../src/models/staff.ts';
import { openSignature, SIGNATURE_BYTES_MAX, signaturesOf } from '../../src/privacy/act-signatures.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { drawAct, recorded } from '../../src/privacy/destruction-acts.ts';
import { useStores } from '../helpers/stores.ts';
import { type Answer, type BackOffice, type SignedIn, signIn, startBackOffice } from './back-office.ts';
import { type SeededPapers, SIGNED_COPY, seedPapers } from './seed-papers.ts';

/** Papers that are taken out of the back-office, and signed copies that come in. */

const stores = useStores();
const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-papers-'));
const ROLES = ['admin', 'auditor', 'support'] as const;
const members = new Map<StaffRole, SignedIn>();
let office: BackOffice;
let papers: SeededPapers;

beforeAll(async () => {
  office = await startBackOffice(stores, { TMPDIR: folder });
  const accountId = newId('acc');
  await createAccount(accountId);
  papers = await seedPapers(accountId, newId('key'), createContentCipher(new Map([[1, office.masterKey]])));
  for (const role of ROLES) members.set(role, await signIn(office.url, role));
});
afterAll(async () => {
  expect(await office.stop()).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

function member(role: StaffRole): SignedIn {
  const found = members.get(role);
  if (!found) throw new Error(`nobody is ${role}`);
  return found;
}

const take = (role: StaffRole, path: string) => member(role).visitor.get(`/admin/resources/${path}`);

function send(
  role: StaffRole,
  body: Uint8Array,
  more: { path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { visitor } = member(role);
  const { path = `acts/records/${papers.actNumber}/keepSigned/upload?signatureKind=scan`, headers } = more;
  return visitor.send(`/admin/api/resources/${path}`, {
    method: 'POST',
    body: Buffer.from(body),
    headers: {
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/octet-stream',
      'x-form-token': visitor.formToken,
      ...headers,
    },
  });
}

describe('an act that nobody has signed', () => {
  const acts = async (query = '') => {
    const { body } = await member('auditor').visitor.read(`acts/actions/list?perPage=100&${query}`);
    const records = body.records as { id: string; params: Record<string, unknown> }[];
    return records.map(({ id, params }) => [Number(id), params.actCopy]);
  };

  test('is told from those that are signed, in the list, by a filter and on its page', async () => {
    const causeId = newId('dsr');
    await recorded({ causeId, classId: 'request.content', accountIds: [newId('acc')] }, async () => 1);
    const unsigned = (await drawAct(causeId, '152-FZ art. 21(4)', NO_JOURNAL))?._id ?? 0;
    const signed = papers.actNumber;
    expect(await acts()).toEqual(
      expect.arrayContaining([
        [unsigned, 'unsigned'],
        [signed, 'signed'],
      ]),
    );
    expect(await acts('filters.actCopy=signed')).toEqual([[signed, 'signed']]);
    const found = await acts('filters.actCopy=unsigned');
    expect(found).toContainEqual([unsigned, 'unsigned']);
    expect(found.map(([number]) => number)).not.toContain(signed);
    for (const [number, copy] of [
      [unsigned, 'unsigned'],
      [signed, 'signed'],
    ])
      expect((await member('auditor').visitor.read(`acts/records/${number}/show`)).body).toMatchObject({
        record: { params: { actCopy: copy } },
      });
  });
});

describe('a paper', () => {
  test.each([
    ['act.pdf', 'application/pdf', '%PDF-'],
    ['act.json', 'application/json', '{'],
    ['extract.pdf', 'application/pdf', '%PDF-'],
    ['extract.ndjson', 'application/x-ndjson', '{"_id":"des_'],
  ])(
    '%s is taken along by who may read it, uncached, as a file, and that is written down',
    async (file, type, start) => {
      const { headers, status, text } = await take('auditor', `acts/records/${papers.actNumber}/files/${file}`);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe(type);
      expect(headers.get('cache-control')).toBe('no-store');
      const name = file.replace('.', `-${papers.actNumber}.`);
      expect(headers.get('content-disposition')).toBe(`attachment; filename="${name}"`);
      expect(text.startsWith(start)).toBe(true);
      const entry = { actorId: member('auditor').staffId, action: 'acts.download', reason: `file: ${file}` };
      expect(await AuditEntry.countDocuments({ ...entry, outcome: 'begun', targetId: String(papers.actNumber) })).toBe(
        1,
      );
    },
  );

  test('signed by hand comes out as it went in', async () => {
    const { text, headers } = await take('admin', `actSignatures/records/${papers.signatureId}/files/copy`);
    expect(text).toBe(SIGNED_COPY.toString());
    expect(headers.get('content-disposition')).toContain(`-scan-${papers.signatureId}.pdf"`);
  });

  test('is not for other roles, whose attempt is written down', async () => {
    for (const path of [
      `acts/records/${papers.actNumber}/files/act.pdf`,
      `actSignatures/records/${papers.signatureId}/files/copy`,
    ])
      expect((await take('support', path)).status).toBe(403);
    const denied = await AuditEntry.find({ actorId: member('support').staffId, outcome: 'denied' }).lean();
    expect(denied.map(({ action }) => action)).toEqual(['acts.download', 'acts.download-copy']);
  });

  test.each([
    'acts/records/999/files/act.pdf',
    'acts/records/1/files/none',
    'staff/records/1/files/act.pdf',
    'acts/records/x/files/act.pdf',
  ])('%s does not exist', async (path) => {
    expect((await take('admin', path)).status).toBe(404);
  });
});

describe('a signed copy', () => {
  test('is kept sealed from memory, by an audited command, and nothing of it touches the disk', async () => {
    const content = Buffer.concat([Buffer.from('\xff\xd8\xff', 'latin1'), Buffer.alloc(300_000, 7)]);
    expect(await send('admin', content)).toMatchObject({ status: 200, text: '{"done":true}' });
    const kept = (await signaturesOf(papers.actNumber)).at(-1);
    expect(kept).toMatchObject({
      kind: 'scan',
      mediaType: 'image/jpeg',
      bytes: content.length,
      by: member('admin').staffId,
    });
    const opened = await openSignature(kept?._id ?? '', createContentCipher(new Map([[1, office.masterKey]])));
    expect(opened.content.equals(content)).toBe(true);
    const entries = await AuditEntry.find({ action: 'acts.sign' }).sort({ _id: 1 }).lean();
    expect(entries.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['begun', 'signatureKind: scan'],
      ['done', `made: ${kept?._id}`],
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  const path = () => `acts/records/${papers.actNumber}/keepSigned/upload`;
  test.each<[string, number, StaffRole, () => Parameters<typeof send>[2], Uint8Array]>([
    ['an auditor', 403, 'auditor', () => ({}), SIGNED_COPY],
    ['another site', 403, 'admin', () => ({ headers: { 'sec-fetch-site': 'cross-site' } }), SIGNED_COPY],
    ['a page without the token', 403, 'admin', () => ({ headers: { 'x-form-token': '' } }), SIGNED_COPY],
    [
      'a form with files',
      415,
      'admin',
      () => ({ headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
      SIGNED_COPY,
    ],
    ['a compressing client', 415, 'admin', () => ({ headers: { 'content-encoding': 'gzip' } }), SIGNED_COPY],
    ['nobody: it is no PDF or picture', 400, 'admin', () => ({}), Buffer.from('MZ program')],
    ['nobody: it is empty', 400, 'admin', () => ({}), Buffer.alloc(0)],
    ['nobody: its kind is unknown', 400, 'admin', () => ({ path: `${path()}?signatureKind=none` }), SIGNED_COPY],
    [
      'nobody: more is said than asked',
      400,
      'admin',
      () => ({ path: `${path()}?signatureKind=scan&by=anna` }),
      SIGNED_COPY,
    ],
    ['a command that takes no file', 404, 'admin', () => ({ path: 'accounts/records/x/suspend/upload' }), SIGNED_COPY],
  ])('from %s is refused with %i', async (_who, status, role, more, body) => {
    const before = await ActSignature.countDocuments({});
    expect((await send(role, body, more())).status).toBe(status);
    expect(await ActSignature.countDocuments({})).toBe(before);
  });

  test('that is over 8 MiB is refused', async () => {
    const large = Buffer.concat([SIGNED_COPY, Buffer.alloc(SIGNATURE_BYTES_MAX)]);
    expect((await send('admin', large)).status).toBe(413);
    expect(readdirSync(folder)).toEqual([]);
  });
});
