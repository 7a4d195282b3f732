import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockFile } from './file-lock.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-lock-'));
  file = path.join(folder, 'lock');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('one holds it at a time; a waiter gets it when it is released', async () => {
  const first = await lockFile(file, 0);
  await expect(lockFile(file, 0)).rejects.toThrow(`held by process ${process.pid}`);
  const waiting = lockFile(file, 5000);
  first.release();
  (await waiting).release();
});

test('what an ended process left behind is taken over, also when its number belongs to another process now', async () => {
  for (const left of ['999999999 1', `${process.pid} 1`, 'garbage', '']) {
    writeFileSync(file, left);
    (await lockFile(file, 0)).release();
  }
});

test('of many that find a lock left behind only one at a time gets it', async () => {
  writeFileSync(file, '999999999 1');
  let inside = 0;
  const once = async (): Promise<void> => {
    const lock = await lockFile(file, 20_000);
    expect(++inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
    lock.release();
  };
  await Promise.all(Array.from({ length: 5 }, once));
});
