import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CallHeaders, fingerprintOf } from '../../src/api/call-headers.ts';
import { runs } from '../helpers/property-runs.ts';

/**
 * What makes two calls under one Idempotency-Key one call: the route, the bytes of the body, and how the answer comes. A
 * repeat of it is answered from what is there, so two that differ must never look alike.
 */

type Call = { route: string; body: string; respondAsync: boolean; callbackUrl: string | undefined };

const piece = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
  fc.constantFrom('', '|', ':', '0:', '|0:', '4:true|', 'true', 'false', '{}', '{"a":1}', '{"a": 1}'),
);
const call: fc.Arbitrary<Call> = fc.record({
  route: piece,
  body: fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join('')),
  respondAsync: fc.boolean(),
  callbackUrl: fc.option(
    piece.filter((text) => text !== ''),
    { nil: undefined },
  ),
});
/** Headers that change what a call may cost or what becomes of it, not what it asks. */
const others: fc.Arbitrary<Partial<CallHeaders>> = fc.record(
  {
    idempotencyKey: fc.string(),
    maxCostMicros: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    onDisconnect: fc.constantFrom('cancel' as const, 'finish' as const),
    fitToBalance: fc.boolean(),
    zeroRetention: fc.boolean(),
  },
  { requiredKeys: [] },
);

function printOf({ route, body, respondAsync, callbackUrl }: Call, more: Partial<CallHeaders> = {}): string {
  const plain: CallHeaders = { respondAsync, fitToBalance: false, zeroRetention: false, ...more };
  return fingerprintOf(route, body, callbackUrl === undefined ? plain : { ...plain, callbackUrl });
}

const sameCall = (a: Call, b: Call) =>
  a.route === b.route && a.body === b.body && a.respondAsync === b.respondAsync && a.callbackUrl === b.callbackUrl;

test('is the same exactly for the same call, wherever its parts begin and end', () => {
  fc.assert(
    fc.property(call, call, (a, b) => {
      expect(printOf(a) === printOf(b)).toBe(sameCall(a, b));
      expect(printOf(a)).toMatch(/^[0-9a-f]{64}$/);
    }),
    runs(1_000),
  );
});

test('is another when any one part is another, by a single character too', () => {
  fc.assert(
    fc.property(
      call,
      fc.constantFrom('route', 'body', 'respondAsync', 'callbackUrl'),
      piece,
      fc.nat(),
      (one, part, text, at) => {
        const changed: Call = { ...one };
        if (part === 'respondAsync') changed.respondAsync = !one.respondAsync;
        else {
          const before = Array.from(one[part] ?? '');
          changed[part] = before.toSpliced(at % (before.length + 1), text === '' ? 1 : 0, text).join('');
          fc.pre(changed[part] !== (one[part] ?? ''));
        }
        expect(printOf(changed)).not.toBe(printOf(one));
      },
    ),
    runs(1_000),
  );
});

test('does not depend on headers that change nothing in what is asked', () => {
  fc.assert(
    fc.property(call, others, others, (one, a, b) => {
      expect(printOf(one, a)).toBe(printOf(one, b));
    }),
    runs(300),
  );
});
