import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseWith } from '../../src/api/middleware/read-json.ts';
import { chatCompletionRequest } from '../../src/api/schemas.ts';
import { AppError } from '../../src/errors.ts';
import { scanJsonObject } from '../../src/json-scan.ts';
import { ODD_NUMBERS } from '../api/hostile-calls.ts';
import { runs } from '../helpers/property-runs.ts';

/** As `POST /v1/chat/completions` reads its body. @returns undefined for one that is refused. */
function read(text: string) {
  if (!scanJsonObject(text).ok) return undefined;
  try {
    return parseWith(chatCompletionRequest, JSON.parse(text));
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_request') return undefined;
    throw error;
  }
}

const BOUNDS = { max_tokens: 10_000_000, max_completion_tokens: 10_000_000, n: 16 } as const;
type Counted = keyof typeof BOUNDS;

test('P9: a count that money rests on is a whole number within its bounds, however it is spelled, or the body is refused', () => {
  const spelled = fc.oneof(
    fc.constantFrom<string>(...ODD_NUMBERS),
    fc.stringMatching(/^-?(?:0|[1-9]\d{0,20})(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?$/),
  );
  const counted = fc.constantFrom(...(Object.keys(BOUNDS) as Counted[]));
  fc.assert(
    fc.property(counted, spelled, (name, number) => {
      const body = read(`{"model":"m","messages":[{"role":"user"}],"${name}":${number}}`);
      const value = Number(number);
      const isCount = Number.isInteger(value) && value >= 1 && value <= BOUNDS[name];
      expect(body?.[name]).toBe(isCount ? value : undefined);
      if (!isCount) expect(body).toBeUndefined();
    }),
    runs(1_000),
  );
});
