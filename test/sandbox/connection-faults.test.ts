import { gunzipSync } from 'node:zlib';
import { expect } from '@jest/globals';
import { connectionFaults } from '../../src/sandbox/connection-faults.ts';
import type { Bench } from './fault-table.ts';
import { describeFaults } from './fault-table.ts';
import type { WireAnswer } from './wire.ts';
import { chunksOf, contentOf, doneCount, until } from './wire.ts';

const words = 'id=fixed,text=lorem,n=9,after=2';

/** Says that a stream gave its role and two tokens, and a body its first half. */
async function expectBroken({ ask }: Bench, look: (answer: WireAnswer) => void): Promise<void> {
  const stream = await ask(true, { script: words });
  expect(contentOf(chunksOf(stream))).toBe(' lorem ipsum');
  expect([stream.complete, doneCount(stream)]).toEqual([false, 0]);
  look(stream);
  const body = await ask(false, { script: words });
  expect(body.complete).toBe(false);
  expect(body.body.length).toBe(Math.floor(Number(body.headers['content-length']) / 2));
  look(body);
}

function textContent(raw: Buffer): boolean {
  return raw.includes('ipsum');
}

function zippedIn(headers: Record<string, string>) {
  return async ({ ask, expectRegular }: Bench): Promise<void> => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect(answer.headers['content-encoding']).toBe(headers['content-encoding']);
      await expectRegular({ ...answer, text: gunzipSync(answer.body).toString('utf8') }, stream);
    }
  };
}

describeFaults('faults of the connection', connectionFaults, {
  'cut-first': async ({ ask }) => {
    expect(await ask(true)).toMatchObject({ status: 0, ending: 'closed' });
    expect(await ask(false)).toMatchObject({ status: 0, ending: 'closed' });
  },
  reset: async ({ ask }) => {
    expect(await ask(true)).toMatchObject({ status: 0, ending: 'reset' });
    expect(await ask(false)).toMatchObject({ status: 0, ending: 'reset' });
  },
  hang: async ({ ask, sandbox }) => {
    sandbox.calls.reset();
    const leaveAfter = () => until(() => sandbox.calls.totals().running === 1);
    expect(await ask(true, { leaveAfter })).toMatchObject({ status: 0, ending: 'left' });
    await until(() => sandbox.calls.totals().aborted === 1);
  },
  'hang-body': async ({ ask, sandbox }) => {
    for (const stream of [true, false]) {
      sandbox.calls.reset();
      const answer = await ask(stream, { leaveWhen: (raw) => raw.includes('\r\n\r\n') });
      expect([answer.status, answer.text, answer.complete]).toEqual([200, '', false]);
      await until(() => sandbox.calls.totals().aborted === 1);
    }
  },
  cut: (bench) => expectBroken(bench, ({ ending }) => expect(ending).toBe('closed')),
  'reset-mid': (bench) => expectBroken(bench, ({ ending }) => expect(ending).toBe('reset')),
  stall: async ({ ask, sandbox }) => {
    for (const stream of [true, false]) {
      sandbox.calls.reset();
      const answer = await ask(stream, { script: words, leaveWhen: textContent });
      expect([answer.complete, answer.ending]).toEqual([false, 'left']);
      if (stream) expect(contentOf(chunksOf(answer))).toBe(' lorem ipsum');
      await until(() => sandbox.calls.totals().aborted === 1);
    }
  },
  endless: async ({ ask, sandbox }) => {
    for (const stream of [true, false]) {
      sandbox.calls.reset();
      const answer = await ask(stream, { leaveWhen: (raw) => raw.length > 1_000_000 });
      expect(answer.complete).toBe(false);
      expect(doneCount(answer)).toBe(0);
      await until(() => sandbox.calls.totals().aborted === 1);
    }
  },
  slow: async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream, { script: 'd=1' });
      expect(answer.chunks.every(({ length }) => length === 1)).toBe(true);
      expect(answer.bodyMs).toBeGreaterThan(answer.body.length / 2);
      await expectRegular(answer, stream);
    }
    const byDefault = await ask(true, { leaveWhen: (raw) => raw.includes('1\r\na\r\n') });
    expect(byDefault.text).toBe('da');
    expect(byDefault.bodyMs).toBeGreaterThan(500);
  },
  'length-long': async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect(Number(answer.headers['content-length'])).toBe(answer.body.length + 100);
      expect([answer.complete, answer.ending]).toEqual([false, 'closed']);
      await expectRegular({ ...answer, complete: true }, stream);
    }
  },
  'length-short': async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect([answer.complete, answer.after.length]).toEqual([true, 10]);
      await expectRegular({ ...answer, text: answer.text + answer.after }, stream);
    }
  },
  pipelined: async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream, { leaveWhen: (raw) => raw.includes('"extra"') });
      expect(answer.after).toMatch(/^HTTP\/1\.1 200 OK\r\n/u);
      await expectRegular(answer, stream);
    }
  },
  gzip: zippedIn({ 'content-encoding': 'gzip' }),
  'gzip-hidden': zippedIn({}),
  split: async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      const insideCharacter = answer.chunks.filter((chunk) => ((chunk[0] ?? 0) & 0b1100_0000) === 0b1000_0000);
      expect(insideCharacter.length).toBeGreaterThanOrEqual(9);
      if (stream) expect(answer.chunks[0]?.toString()).toBe('dat');
      await expectRegular(answer, stream);
    }
  },
  'split-bytes': async ({ ask, expectRegular }) => {
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect(answer.chunks.every(({ length }) => length === 1)).toBe(true);
      await expectRegular(answer, stream);
    }
  },
});
