import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '../../src/log.ts';
import { createLogFiles, type LogFiles } from '../../src/log-files.ts';

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 10, 26, 12);
let folder: string;
let nowMs: number;
let files: LogFiles;
const open = (bytesMax = 1_000) => {
  files = createLogFiles('api', { folder, bytesMax, retentionDays: 30 }, () => nowMs);
  return files;
};
const names = () => readdirSync(folder).sort();
const generic = () => names().map((name) => name.replace(/-[0-9a-f]{8}\./, '-x.'));

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-logs-'));
  nowMs = NOON;
});
afterEach(() => {
  files.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a full file and a new day are followed by another file, and no line is lost or cut', () => {
  open(10);
  for (const line of ['first line\n', 'second line\n']) files.write(line);
  nowMs += DAY_MS;
  files.write('third line\n');
  expect(generic()).toEqual(['api-2026-11-26-x.0.log', 'api-2026-11-26-x.1.log', 'api-2026-11-27-x.2.log']);
  expect(names().map((name) => readFileSync(path.join(folder, name), 'utf8'))).toEqual([
    'first line\n',
    'second line\n',
    'third line\n',
  ]);
});

test('files past their term are deleted at the start and at each new file; files of others and younger ones stay', () => {
  const put = (name: string, ageDays: number) => {
    writeFileSync(path.join(folder, name), 'x');
    const at = new Date(NOON - ageDays * DAY_MS);
    utimesSync(path.join(folder, name), at, at);
  };
  put('workers-2026-10-01-0123abcd.0.log', 31);
  put('workers-2026-10-28-0123abcd.1.log', 29);
  put('engines.log', 400);
  open();
  expect(names()).toHaveLength(3);
  expect(names()).toEqual(expect.arrayContaining(['engines.log', 'workers-2026-10-28-0123abcd.1.log']));
  nowMs += 2 * DAY_MS;
  files.write('a line\n');
  expect(names()).not.toContain('workers-2026-10-28-0123abcd.1.log');
});

test('a logger with files writes the same lines to them as to its output', () => {
  const lines: string[] = [];
  const log = createLogger({
    role: 'api',
    level: 'trace',
    destination: { write: (line) => void lines.push(line) },
    files: open(),
  });
  log.trace({ requestId: 'req_1', secret: 'x' }, 'seen');
  log.error('wrong');
  expect(readFileSync(path.join(folder, names()[0] ?? ''), 'utf8')).toBe(lines.join(''));
  expect(lines).toHaveLength(2);
});
