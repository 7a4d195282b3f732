import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../src/errors.ts';
import { createLogger, scrub, serializeError } from '../../src/log.ts';
import { runs } from '../helpers/property-runs.ts';

const word = (alphabet: string, minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet.split('')), { minLength, maxLength }).map((letters) => letters.join(''));
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const token = word(ALPHANUMERIC, 24, 40);

/** Secrets as they look in the wild, with the part that must not be seen. */
const secret = fc.oneof(
  token.map((t) => ({ text: `ocq_live_${t}`, hidden: t })),
  token.map((t) => ({ text: `ocq_test_${t}`, hidden: t })),
  token.map((t) => ({ text: `sk-${t}`, hidden: t })),
  token.map((t) => ({ text: `sk-or-v1-${t}`, hidden: t })),
  token.map((t) => ({ text: `whsec_${t}+/=`, hidden: t })),
  token.map((t) => ({ text: `authorization: Bearer ${t}`, hidden: t })),
  token.map((t) => ({ text: `mongodb://root:${t}@db.internal:27017/x?replicaSet=rs0`, hidden: t })),
  token.map((t) => ({ text: `mongodb+srv://root:${t}@db.internal`, hidden: t })),
  token.map((t) => ({ text: `rediss://default:${t}@cache:6380/0`, hidden: t })),
  token.map((t) => ({ text: `eyJ${t}.${t}.${t}`, hidden: t })),
  token.map((t) => ({ text: `${t}@example.com`, hidden: t })),
);
const around = fc.constantFrom('', ' ', '"', "'", '\n', '=', ': ', '(', 'failed for ');
const planted = fc.record({ secret, before: around, after: around });

test('a secret in a text never survives scrubbing, wherever it stands', () => {
  fc.assert(
    fc.property(fc.array(planted, { minLength: 1, maxLength: 4 }), (list) => {
      const text = list.map((one) => `${one.before}${one.secret.text} ${one.after}`).join(' ');
      const clean = scrub(text);
      for (const one of list) expect(clean).not.toContain(one.secret.hidden);
    }),
    runs(1_000),
  );
});

test('scrubbing what is scrubbed changes nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        planted.map((one) => one.before + one.secret.text),
      ),
      (text) => {
        expect(scrub(scrub(text))).toBe(scrub(text));
      },
    ),
  );
});

test('a log line cannot be forged by control characters, nor made endless', () => {
  const clean = scrub(`a\u0000b\u001b[31mc\rd\te\u007f${'x'.repeat(10_000)}`);
  expect(clean).toMatch(/^a\?b\?\[31mc\?d\?e\?x+$/);
  expect(clean.length).toBeLessThanOrEqual(2_000);
});

test('a secret at the cut of an overlong text is not left half visible', () => {
  const hidden = 'A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6';
  for (let space = 1_950; space < 2_000; space++) {
    const clean = scrub(`${'-'.repeat(space)} ocq_live_${hidden}`);
    expect(clean).not.toMatch(/[A-Z]\d[a-z]\d/);
  }
});

/** Everything a logger writes for one call. */
function written(act: (log: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  const append = (line: string) => {
    text += line;
  };
  act(createLogger({ role: 'test', level: 'trace', destination: { write: append } }));
  return text;
}

test('only listed members reach a line; content, keys and headers cannot slip in with an object', () => {
  const line = written((log) =>
    log.warn(
      {
        requestId: 'req_1',
        status: 402,
        body: { messages: ['private'] },
        headers: { authorization: 'Bearer private' },
        prompt: 'private',
        apiKey: 'private',
        url: 'https://hooks.example.com/private',
        email: 'private@example.com',
      },
      'refused',
    ),
  );
  expect(line).not.toContain('private');
  expect(JSON.parse(line)).toMatchObject({
    level: 'warn',
    role: 'test',
    requestId: 'req_1',
    status: 402,
    msg: 'refused',
  });
});

test('a listed member that holds a secret is scrubbed', () => {
  const line = written((log) => log.info({ reason: 'key ocq_live_Abcdefgh12345678 refused' }, 'x'));
  expect(line).not.toContain('Abcdefgh12345678');
});

test('an error is written as class, code, scrubbed text and stack; what drivers hang on it is not', () => {
  const cause = Object.assign(new Error('connect mongodb://root:hunter2@db/x failed'), {
    code: 'ECONNREFUSED',
    document: { content: 'private' },
    request: { headers: { authorization: 'Bearer private' } },
  });
  const error = new AppError('unavailable', { internal: 'reading failed', cause, details: { note: 'private' } });
  const line = written((log) => log.error({ err: error }, 'failed'));
  expect(line).not.toMatch(/hunter2|private/);
  const { err } = JSON.parse(line) as { err: Record<string, unknown> };
  expect(err).toMatchObject({ type: 'AppError', code: 'unavailable', message: 'reading failed' });
  expect(err.cause).toMatchObject({ code: 'ECONNREFUSED', message: 'connect [redacted] failed' });
});

test('a chain of causes is followed only so far, and what is no error shows its type alone', () => {
  let error = new Error('0');
  for (let depth = 1; depth < 20; depth++) error = new Error(String(depth), { cause: error });
  let depth = 0;
  for (let at: Record<string, unknown> | undefined = serializeError(error); at; depth++)
    at = at.cause as Record<string, unknown> | undefined;
  expect(depth).toBe(4);
  expect(serializeError('text with private content')).toEqual({ type: 'string' });
});
