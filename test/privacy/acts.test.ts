import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { ActSignature } from '../../src/models/act-signature.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import type { DestructionActDocument } from '../../src/models/destruction.ts';
import { actFacts, actFiles, actJson, extractLines } from '../../src/privacy/act-papers.ts';
import { addSignature, openSignature, SIGNATURE_BYTES_MAX, signaturesOf } from '../../src/privacy/act-signatures.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { brokenActs, drawAct, recorded } from '../../src/privacy/destruction-acts.ts';
import type { Operator } from '../../src/privacy/operator.ts';
import { useStores } from '../helpers/stores.ts';

/** Acts of destruction as they are given to an inspector. */

useStores();
const cipher = createContentCipher(new Map([[1, randomBytes(32)]]));
const OPERATOR: Operator = {
  name: 'ООО «Пример»',
  address: '101000, Москва, ул. Примерная, 1',
  inn: '7700000000',
  email: 'privacy@example.ru',
  executor: 'Иванов Иван Иванович, администратор ИСПДн',
  processors: '',
};
const PDF = Buffer.from('%PDF-1.7 signed by hand');

async function drawn(): Promise<DestructionActDocument> {
  const [causeId, accountId] = [newId('dsr'), newId('acc')];
  await recorded({ causeId, classId: 'request.content', accountIds: [accountId, accountId] }, async () => 2);
  await recorded({ causeId, classId: 'api_key', accountIds: [accountId] }, async () => 1);
  const act = await drawAct(causeId, '152-FZ art. 21(4)', NO_JOURNAL);
  if (!act) throw new Error('no act');
  return act;
}

async function filesOf(act: DestructionActDocument): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { name, content } of actFiles(act, OPERATOR)) {
    const chunks: Buffer[] = [];
    if (Buffer.isBuffer(content)) chunks.push(content);
    else for await (const line of content) chunks.push(Buffer.from(line));
    files.set(name, Buffer.concat(chunks));
  }
  return files;
}

describe('an act of destruction', () => {
  it('has every item of Order 179 p. 3 by its letter, with something in it', async () => {
    const facts = actFacts(await drawn(), OPERATOR);
    expect(facts.map(([label]) => label[0]).join('')).toBe('абвгдежзик');
    for (const [, value] of facts) expect(value).not.toBe('');
    expect(facts.map(([, value]) => value).join(' ')).not.toMatch(/undefined|FZ art/);
  });

  it.each([
    ['has destroyed something', 1],
    ['has found nothing to destroy', 0],
  ])('stays about the same events when a process comes back after it was drawn and %s', async (_name, count) => {
    const [causeId, accountIds] = [newId('dsr'), [newId('acc')]];
    await recorded({ causeId, classId: 'api_key', accountIds }, async () => 1);
    let act: DestructionActDocument | undefined;
    await recorded({ causeId, classId: 'delivery', accountIds }, async () => {
      act = await drawAct(causeId, '152-FZ art. 21(4)', NO_JOURNAL);
      return count;
    });
    await recorded({ causeId, classId: 'delivery', accountIds }, async () => 1);
    if (!act) throw new Error('no act');
    expect(act).toMatchObject({ events: 2, unconfirmed: 1 });
    const extract = (await filesOf(act)).get(`extract-${act._id}.ndjson`) ?? '';
    expect(createHash('sha256').update(extract).digest('hex')).toBe(act.extractHash);
    expect(await drawAct(causeId, '152-FZ art. 21(4)', NO_JOURNAL)).toEqual(act);
  });

  it('leaves a line to fill in where nothing is configured', async () => {
    const nobody = { name: '', address: '', inn: '', email: '', executor: '', processors: '' };
    expect(actFacts(await drawn(), nobody)[0]?.[1]).toMatch(/^_+, _+$/);
  });

  it('comes with an extract whose SHA-256 is the one in the act, in files of both kinds', async () => {
    const act = await drawn();
    const files = await filesOf(act);
    const name = (suffix: string) => suffix.replace('N', String(act._id));
    expect([...files.keys()]).toEqual(['act-N.pdf', 'act-N.json', 'extract-N.pdf', 'extract-N.ndjson'].map(name));
    for (const suffix of ['act-N.pdf', 'extract-N.pdf'])
      expect(files.get(name(suffix))?.subarray(0, 5).toString()).toBe('%PDF-');
    const extract = files.get(name('extract-N.ndjson')) ?? Buffer.alloc(0);
    expect(createHash('sha256').update(extract).digest('hex')).toBe(act.extractHash);
    expect(JSON.parse(actJson(act, OPERATOR)).act.hash).toBe(act.hash);
    expect(await brokenActs()).toEqual([]);
    let lines = 0;
    for await (const line of extractLines(act)) lines += JSON.parse(line).count;
    expect(lines).toBe(3);
  });
});

describe('a signed copy', () => {
  it('is kept sealed, once, and opened again as it came', async () => {
    const { _id: actNumber } = await drawn();
    const kept = await addSignature({ actNumber, kind: 'scan', content: PDF, by: 'anna' }, cipher);
    await addSignature({ actNumber, kind: 'scan', content: PDF, by: 'boris' }, cipher);
    expect(await signaturesOf(actNumber)).toEqual([kept]);
    const row = await nativeCollection(ActSignature).findOne({ _id: kept._id as never }, { promoteBuffers: true });
    expect(Buffer.from(row?.content as Buffer).includes('signed by hand')).toBe(false);
    const { file, content } = await openSignature(kept._id, cipher);
    expect(file.mediaType).toBe('application/pdf');
    expect(content.equals(PDF)).toBe(true);
  });

  it.each([
    ['a program', 'scan', Buffer.from('MZ\x90\x00')],
    ['a PDF as a signature', 'detached', PDF],
    ['nothing', 'scan', Buffer.alloc(0)],
    ['a file that is too large', 'scan', Buffer.concat([PDF, Buffer.alloc(SIGNATURE_BYTES_MAX)])],
  ] as const)('is refused when it is %s', async (_what, kind, content) => {
    const { _id: actNumber } = await drawn();
    const added = addSignature({ actNumber, kind, content, by: 'anna' }, cipher);
    await expect(added).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('needs an act', async () => {
    const added = addSignature({ actNumber: 999_999, kind: 'scan', content: PDF, by: 'anna' }, cipher);
    await expect(added).rejects.toMatchObject({ code: 'not_found' });
  });
});
