import { expect, test } from '@jest/globals';
import { readableRow } from '../../src/privacy/readable-row.ts';

/** Rows of an access answer, as people read them. */

test('a row is read member by member, and a text that is JSON as what it says', () => {
  const input = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Привет,\nмир' }] });
  const at = new Date('2026-05-12T09:00:00Z');
  expect(
    readableRow({ _id: 'req_1', input, costMicros: 5n, at, error: undefined, stream: false, note: '{not' }),
  ).toEqual({
    members: [
      ['_id', 'req_1'],
      ['input.model', 'm'],
      ['input.messages.0.role', 'user'],
      ['input.messages.0.content', 'Привет,\nмир'],
      ['costMicros', '5'],
      ['at', '2026-05-12T09:00:00.000Z'],
      ['stream', 'false'],
      ['note', '{not'],
    ],
    isCut: false,
  });
});

test.each([
  ['very many members', { list: Array.from({ length: 100_000 }, (_, index) => index) }, true],
  ['a very long text', { text: 'x'.repeat(5_000_000) }, true],
  ['a text nested deeper than any stack', { input: `${'['.repeat(40_000)}1${']'.repeat(40_000)}` }, false],
])('%s stay within bounds', (_name, row, isCut) => {
  const read = readableRow(row);
  expect(read.isCut).toBe(isCut);
  expect(read.members.length).toBeLessThanOrEqual(200);
  expect(read.members.map(([, text]) => text).join('').length).toBeLessThan(200 * 4_000);
});
