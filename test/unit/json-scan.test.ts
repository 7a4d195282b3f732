import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type JsonProblem, replaceMembers, SCAN_LIMITS, scanJsonObject } from '../../src/json-scan.ts';
import { runs } from '../helpers/property-runs.ts';

const RUNS = 1_000;
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

/** A JSON text of the same string with some characters escaped, as encoders differ. */
const quoted = (text: string, escapes: boolean) =>
  escapes
    ? `"${text
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('')}"`
    : JSON.stringify(text);

type Part = { name: string; escapes: boolean; value: string; before: string; after: string };

/** Objects as text: any spacing, any spelling of names and of values, no name twice. */
const parts = fc.uniqueArray(
  fc.record({
    name: fc.oneof(fc.constantFrom('model', 'max_tokens', 'messages', 'stream_options'), fc.string()),
    escapes: fc.boolean(),
    value: fc.oneof(fc.json({ maxDepth: 4 }), fc.constantFrom('-0', '1.0', '1E+2', '9007199254740993', '"\\ud800"')),
    before: space,
    after: space,
  }),
  { selector: (part) => part.name, maxLength: 8 },
);

const textOf = (list: readonly Part[]) =>
  `{${list.map((p) => `${p.before}${quoted(p.name, p.escapes)}${p.after}:${p.before}${p.value}${p.after}`).join(',')}}`;

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

function parse(text: string): { ok: boolean; value?: unknown } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

function problemOf(text: string): JsonProblem | 'ok' {
  const scan = scanJsonObject(text);
  return scan.ok ? 'ok' : scan.problem;
}

describe('the scanner agrees with JSON.parse', () => {
  test('on every object it accepts it, with the same names in the same order', () => {
    fc.assert(
      fc.property(
        parts.filter((list) => list.every(({ name }) => !FORBIDDEN.has(name))),
        (list) => {
          const text = textOf(list);
          const scan = scanJsonObject(text);
          // A nested value may hold a forbidden name; that is another test.
          fc.pre(scan.ok || scan.problem !== 'forbidden_name');
          if (!scan.ok) throw new Error(`${scan.problem} at ${scan.at} of ${text}`);
          expect([...scan.members.keys()]).toEqual(list.map(({ name }) => name));
          for (const [index, span] of [...scan.members.values()].entries())
            expect(text.slice(span.valueStart, span.end)).toBe(list[index]?.value);
        },
      ),
      runs(RUNS),
    );
  });

  test('on damaged text: what it accepts parses to an object, and what it calls no JSON does not parse', () => {
    fc.assert(
      fc.property(parts, fc.nat(), fc.nat({ max: 3 }), fc.string({ maxLength: 3 }), (list, at, cut, insert) => {
        const whole = textOf(list);
        const place = at % (whole.length + 1);
        const text = whole.slice(0, place) + insert + whole.slice(place + cut);
        const { ok, value } = parse(text);
        const verdict = problemOf(text);
        if (verdict === 'ok')
          expect(ok && typeof value === 'object' && value !== null && !Array.isArray(value)).toBe(true);
        if (verdict === 'not_json') expect(ok).toBe(false);
        if (!ok) expect(verdict).not.toBe('ok');
      }),
      runs(RUNS),
    );
  });
});

test.each<[string, string, JsonProblem]>([
  ['nothing', '', 'not_json'],
  ['white space', ' \n', 'not_json'],
  ['an array', '[1]', 'not_an_object'],
  ['a string', '"a"', 'not_an_object'],
  ['null', 'null', 'not_an_object'],
  ['two objects', '{}{}', 'not_json'],
  ['a byte order mark', '\uFEFF{}', 'not_json'],
  ['a trailing comma', '{"a":1,}', 'not_json'],
  ['single quotes', "{'a':1}", 'not_json'],
  ['a raw NUL in a string', '{"a":"\u0000"}', 'not_json'],
  ['a raw line end in a string', '{"a":"\n"}', 'not_json'],
  ['a name twice', '{"a":1,"a":2}', 'duplicate_name'],
  ['a name twice, spelled in two ways', '{"a":1,"\\u0061":2}', 'duplicate_name'],
  ['a nested name twice', '{"x":[{"a":1,"a":1}]}', 'duplicate_name'],
  ['__proto__', '{"__proto__":{"admin":true}}', 'forbidden_name'],
  ['__proto__ in escapes', '{"a":{"\\u005f_proto__":1}}', 'forbidden_name'],
  ['constructor', '{"a":[{"constructor":{"prototype":{}}}]}', 'forbidden_name'],
  ['1e400', '{"a":1e400}', 'number_range'],
  ['-1e999', '{"a":[-1e999]}', 'number_range'],
  ['a leading zero', '{"a":01}', 'not_json'],
  ['NaN', '{"a":NaN}', 'not_json'],
  ['hexadecimal', '{"a":0x10}', 'not_json'],
  ['a broken escape', '{"a":"\\u00g0"}', 'not_json'],
])('%s is refused', (_what, text, problem) => {
  expect(problemOf(text)).toBe(problem);
});

test('numbers and characters that only look odd are accepted', () => {
  for (const value of ['-0', '9007199254740993', '1e-400', '0.1e+1', '"\\ud800"', '"\\u0000"', '"\u2028"', '"\uD83D"'])
    expect(problemOf(`{"a":${value}}`)).toBe('ok');
});

test('nesting is allowed to the limit and refused beyond it, however deep, without exhausting the stack', () => {
  const nested = (depth: number, open: string, close: string) => `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`;
  for (const [open, close] of [
    ['[', ']'],
    ['{"b":', '}'],
  ] as const) {
    expect(problemOf(nested(SCAN_LIMITS.depthMax - 1, open, close))).toBe('ok');
    for (const depth of [SCAN_LIMITS.depthMax, 1_000, 50_000, 500_000])
      expect(problemOf(nested(depth, open, close))).toBe('too_deep');
  }
  expect(problemOf('['.repeat(1_000_000))).toBe('too_deep');
});

test('members and elements are counted together, to the limit and not beyond', () => {
  const { membersMax } = SCAN_LIMITS;
  const members = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')}}`;
  expect(problemOf(members(membersMax))).toBe('ok');
  expect(problemOf(members(membersMax + 1))).toBe('too_many_members');
  expect(problemOf(`{"a":[${new Array(membersMax).fill(0).join(',')}]}`)).toBe('too_many_members');
});

test('replacing members changes what was named and leaves every byte of the others', () => {
  const change = fc.option(fc.json({ maxDepth: 2 }), { nil: undefined });
  const changes = fc.dictionary(fc.constantFrom('model', 'max_tokens', 'stream_options', 'added'), change, {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(parts, changes, (list, wanted) => {
      const text = textOf(list);
      const scan = scanJsonObject(text);
      fc.pre(scan.ok);
      if (!scan.ok) return;
      const replaced = replaceMembers(text, scan.members, wanted);
      const after = scanJsonObject(replaced);
      fc.pre(after.ok || after.problem !== 'forbidden_name');
      if (!after.ok) throw new Error(`${after.problem}: ${replaced}`);
      for (const [name, span] of scan.members) {
        if (Object.hasOwn(wanted, name)) continue;
        const now = after.members.get(name);
        expect(now && replaced.slice(now.start, now.end)).toBe(text.slice(span.start, span.end));
      }
      for (const [name, value] of Object.entries(wanted)) {
        const now = after.members.get(name);
        expect(now && replaced.slice(now.valueStart, now.end)).toBe(value);
      }
      expect(after.members.size).toBe(
        new Set(
          [...scan.members.keys(), ...Object.keys(wanted)].filter(
            (name) => !(Object.hasOwn(wanted, name) && wanted[name] === undefined),
          ),
        ).size,
      );
    }),
    runs(RUNS),
  );
});
