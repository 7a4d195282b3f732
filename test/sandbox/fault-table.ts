import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Faults } from '../../src/sandbox/fault.ts';
import type { Listening, Sandbox } from '../../src/sandbox/server.ts';
import { createSandbox } from '../../src/sandbox/server.ts';
import type { Ask, WireAnswer } from './wire.ts';
import { askRaw, readEvents } from './wire.ts';

export const message = 'Привет, мир! é 😀 one two three';

/** What a test of one fault may use. */
export type Bench = {
  sandbox: Sandbox;
  /** Asks with the fault under test; the answer is the message, with a fixed id. */
  ask: (stream: boolean, more?: Ask) => Promise<WireAnswer>;
  /** Says that a reader who knows the specification reads exactly the regular answer from this one. */
  expectRegular: (answer: WireAnswer, stream: boolean) => Promise<void>;
};

/** Tests every fault of a table on the wire; a fault without an expectation, or the reverse, is a failure. */
export function describeFaults(
  title: string,
  table: Faults,
  expectations: Record<string, (bench: Bench) => Promise<void>>,
): void {
  describe(title, () => {
    let sandbox: Sandbox;
    let listening: Listening;

    beforeAll(async () => {
      sandbox = createSandbox({});
      listening = await sandbox.listen(0);
    });

    afterAll(() => listening.close());

    test('every fault of the table is tested', () => {
      expect(Object.keys(expectations).sort()).toEqual(Object.keys(table).sort());
    });

    test.each(Object.keys(table))('%s does what its description says', async (name) => {
      await expectations[name]?.(createBench(sandbox, listening.port, name));
    });
  });
}

function createBench(sandbox: Sandbox, port: number, fault: string): Bench {
  const ask = (name: string, stream: boolean, more: Ask = {}) =>
    askRaw(port, { message, ...more, stream, script: `id=fixed,text=echo,fault=${name},${more.script ?? ''}` });
  return {
    sandbox,
    ask: (stream, more) => ask(fault, stream, more),
    expectRegular: async (answer, stream) => {
      expect(answer.complete).toBe(true);
      expect(timeless(answer, stream)).toEqual(timeless(await ask('none', stream), stream));
    },
  };
}

/** The JSON of an answer without the time of its creation. */
function timeless(answer: WireAnswer, stream: boolean): unknown[] {
  const texts = stream ? readEvents(answer.text).map(({ data }) => data) : [answer.text.replace(/^\uFEFF/u, '')];
  return texts.map((text) => (text === '[DONE]' ? text : JSON.parse(text.replace(/"created":\d+/u, '"created":0'))));
}
