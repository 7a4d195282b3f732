import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { BSON } from 'mongodb';
import { readArchive } from '../../src/backup/archive.ts';
import { dropOldBackups, fileNameOf, listBackups } from '../../src/backup/backup-files.ts';
import { readSealed, writeSealed } from '../../src/backup/sealed-file.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-sealed-'));
const file = path.join(folder, 'one.age');
const header = { format: 1, kind: 'data', takenAt: new Date(0), snapshot: 'history' };
const row = BSON.serialize({ _id: 'canary', text: 'x'.repeat(1_000), amount: new BSON.Long(7n), n: new BSON.Int32(7) });
const END = Buffer.alloc(4);
const MANY = 3_000;
let identity: string;
let recipient: string;

async function* archive(documents: number): AsyncGenerator<Uint8Array> {
  yield BSON.serialize(header);
  yield BSON.serialize({ collection: 'rows' });
  for (let n = 0; n < documents; n++) yield row;
  yield END;
  yield BSON.serialize({ counts: { rows: documents } });
}

async function count(source: AsyncIterable<Uint8Array>, kind: 'data' | 'keys' = 'data'): Promise<number> {
  let documents = 0;
  for await (const _document of (await readArchive(source, kind)).documents) documents++;
  return documents;
}

beforeAll(async () => {
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
  await writeSealed(file, archive(MANY), recipient);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a sealed archive', () => {
  test('gives back what was written, number kinds included, and shows nothing of it', async () => {
    const { documents } = await readArchive(readSealed(file, identity), 'data');
    const first = await documents.next();
    expect(Buffer.from(first.value?.bytes ?? []).equals(Buffer.from(row))).toBe(true);
    await documents.return(undefined);
    expect(await count(readSealed(file, identity))).toBe(MANY);
    expect(readFileSync(file).includes('canary')).toBe(false);
  });

  test.each([
    ['cut anywhere', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1), /damaged or cut/],
    ['cut to its header', (bytes: Buffer) => bytes.subarray(0, 100), /damaged or cut/],
    ['changed', (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length - 20 ? byte ^ 1 : byte)), /damaged/],
    ['continued', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(20)]), /damaged/],
    ['something else', () => Buffer.from('PK nothing of ours'), /damaged/],
  ])('that is %s is refused by name', async (name, change, message) => {
    const broken = path.join(folder, `${name}.age`);
    writeFileSync(broken, change(readFileSync(file)));
    await expect(count(readSealed(broken, identity))).rejects.toMatchObject({
      name: 'BackupError',
      message: expect.stringMatching(message),
    });
  });

  test('is refused with another key, as another kind, and when it is not there', async () => {
    const another = await generateX25519Identity();
    await expect(count(readSealed(file, another))).rejects.toThrow('another key than BACKUP_IDENTITY');
    await expect(count(readSealed(file, identity), 'keys')).rejects.toThrow('a backup of data, not of keys');
    await expect(count(readSealed(path.join(folder, 'no.age'), identity))).rejects.toThrow('does not exist');
  });

  test.each([
    ['ends early', [BSON.serialize(header), BSON.serialize({ collection: 'rows' }), row], 'cut'],
    ['tells another count', [BSON.serialize(header), BSON.serialize({ counts: { rows: 1 } })], 'does not hold'],
    ['has no documents in it', [Buffer.from('ffffff7f00', 'hex')], 'no document'],
    ['is of another format', [BSON.serialize({ ...header, format: 2 })], 'format'],
  ])('whose stream %s is refused', async (_name, pieces, message) => {
    async function* stream() {
      yield* pieces;
    }
    await expect(count(stream())).rejects.toThrow(message);
  });

  test('that cannot be finished leaves no file', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* archive(10);
      throw new Error('the server went away');
    }
    const lost = path.join(folder, 'lost.age');
    await expect(writeSealed(lost, failing(), recipient)).rejects.toThrow('the server went away');
    expect(readdirSync(folder).filter((name) => name.startsWith('lost'))).toEqual([]);
  });
});

test('backups past their term are deleted, and so is what died while it was written; other files stay', async () => {
  const place = mkdtempSync(path.join(folder, 'place-'));
  const at = (day: number) => new Date(Date.UTC(2026, 0, day));
  const names = [1, 10, 20].map((day) => fileNameOf('data', at(day)));
  const others = [fileNameOf('keys', at(1)), 'notes.txt'];
  for (const name of [...names, ...others, `${fileNameOf('data', at(15))}.part`])
    writeFileSync(path.join(place, name), '');
  const term = { retentionDays: 7, nowMs: at(17).getTime() };
  expect(await dropOldBackups(place, 'data', term)).toBe(2);
  expect(await listBackups(place, 'data')).toEqual(names.slice(1).map((name) => path.join(place, name)));
  expect(readdirSync(place).sort()).toEqual([...names.slice(1), ...others].sort());
});
