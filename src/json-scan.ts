/**
 * One pass over JSON text before `JSON.parse`: refuses what parsers disagree about (duplicate names, `__proto__`,
 * numbers that are not finite, deep nesting) and tells where each top-level member stands, so that a member can be
 * replaced without touching the bytes of the others.
 */

export type JsonProblem =
  | 'not_json'
  | 'too_deep'
  | 'too_many_members'
  | 'duplicate_name'
  | 'forbidden_name'
  | 'number_range'
  | 'not_an_object';

/** `start` is where the member's name begins, `valueStart`..`end` is its value (indexes into the text). */
export type MemberSpan = { start: number; valueStart: number; end: number };

export type JsonScan = { ok: true; members: Map<string, MemberSpan> } | { ok: false; problem: JsonProblem; at: number };

export type ScanLimits = { depthMax: number; membersMax: number };

export const SCAN_LIMITS: ScanLimits = { depthMax: 32, membersMax: 20_000 };

const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class ScanFailure extends Error {
  readonly problem: JsonProblem;
  readonly at: number;
  constructor(problem: JsonProblem, at: number) {
    super(problem);
    this.problem = problem;
    this.at = at;
  }
}

/** Scans the text of a JSON object. Never throws; time and memory are linear in the text. */
export function scanJsonObject(text: string, limits: ScanLimits = SCAN_LIMITS): JsonScan {
  try {
    return { ok: true, members: new Scanner(text, limits).topLevel() };
  } catch (failure) {
    if (failure instanceof ScanFailure) return { ok: false, problem: failure.problem, at: failure.at };
    throw failure;
  }
}

class Scanner {
  private position = 0;
  private members = 0;
  private readonly text: string;
  private readonly limits: ScanLimits;

  constructor(text: string, limits: ScanLimits) {
    this.text = text;
    this.limits = limits;
  }

  topLevel(): Map<string, MemberSpan> {
    this.space();
    if (this.text.charCodeAt(this.position) !== 0x7b) {
      this.value(1);
      this.space();
      throw this.failure(this.position === this.text.length ? 'not_an_object' : 'not_json');
    }
    const spans = new Map<string, MemberSpan>();
    this.object(1, spans);
    this.space();
    if (this.position !== this.text.length) throw this.failure('not_json');
    return spans;
  }

  private failure(problem: JsonProblem): ScanFailure {
    return new ScanFailure(problem, this.position);
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.position++;
    }
  }

  private expect(code: number): void {
    if (this.text.charCodeAt(this.position) !== code) throw this.failure('not_json');
    this.position++;
  }

  private value(depth: number): void {
    const code = this.text.charCodeAt(this.position);
    if (code === 0x7b) this.object(depth, undefined);
    else if (code === 0x5b) this.array(depth);
    else if (code === 0x22) this.string();
    else if (code === 0x74) this.word('true');
    else if (code === 0x66) this.word('false');
    else if (code === 0x6e) this.word('null');
    else this.number();
  }

  private object(depth: number, spans: Map<string, MemberSpan> | undefined): void {
    if (depth > this.limits.depthMax) throw this.failure('too_deep');
    this.position++;
    this.space();
    if (this.text.charCodeAt(this.position) === 0x7d) {
      this.position++;
      return;
    }
    const names = new Set<string>();
    for (;;) {
      const start = this.position;
      const name = this.name(names);
      this.space();
      this.expect(0x3a);
      this.space();
      const valueStart = this.position;
      this.value(depth + 1);
      spans?.set(name, { start, valueStart, end: this.position });
      this.space();
      if (this.text.charCodeAt(this.position) === 0x7d) break;
      this.expect(0x2c);
      this.space();
    }
    this.position++;
  }

  private name(names: Set<string>): string {
    const start = this.position;
    const escaped = this.string();
    const raw = this.text.slice(start + 1, this.position - 1);
    const name = escaped ? (JSON.parse(`"${raw}"`) as string) : raw;
    if (FORBIDDEN_NAMES.has(name)) throw this.failure('forbidden_name');
    if (names.has(name)) throw this.failure('duplicate_name');
    names.add(name);
    this.count();
    return name;
  }

  private count(): void {
    if (++this.members > this.limits.membersMax) throw this.failure('too_many_members');
  }

  private array(depth: number): void {
    if (depth > this.limits.depthMax) throw this.failure('too_deep');
    this.position++;
    this.space();
    if (this.text.charCodeAt(this.position) === 0x5d) {
      this.position++;
      return;
    }
    for (;;) {
      this.value(depth + 1);
      this.count();
      this.space();
      if (this.text.charCodeAt(this.position) === 0x5d) break;
      this.expect(0x2c);
      this.space();
    }
    this.position++;
  }

  /** Passes a string; tells whether it held an escape. */
  private string(): boolean {
    this.expect(0x22);
    let escaped = false;
    for (;;) {
      const code = this.text.charCodeAt(this.position);
      if (code === 0x22) break;
      if (Number.isNaN(code) || code < 0x20) throw this.failure('not_json');
      if (code === 0x5c) {
        escaped = true;
        this.escape();
      } else this.position++;
    }
    this.position++;
    return escaped;
  }

  private escape(): void {
    const next = this.text[this.position + 1] ?? '';
    if (next === 'u') {
      if (!/^[0-9a-fA-F]{4}$/.test(this.text.slice(this.position + 2, this.position + 6)))
        throw this.failure('not_json');
      this.position += 6;
    } else if (next !== '' && '"\\/bfnrt'.includes(next)) this.position += 2;
    else throw this.failure('not_json');
  }

  private word(word: string): void {
    if (!this.text.startsWith(word, this.position)) throw this.failure('not_json');
    this.position += word.length;
  }

  private number(): void {
    NUMBER.lastIndex = this.position;
    const match = NUMBER.exec(this.text);
    if (!match) throw this.failure('not_json');
    if (!Number.isFinite(Number(match[0]))) throw this.failure('number_range');
    this.position = NUMBER.lastIndex;
  }
}

/**
 * The text with some top-level members replaced, added (at the end) or removed; every other byte stays as it was.
 * @param members as `scanJsonObject` found them in this very text.
 * @param changes name -> new JSON text, or `undefined` to remove it.
 */
export function replaceMembers(
  text: string,
  members: ReadonlyMap<string, MemberSpan>,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const pieces: string[] = [];
  for (const [name, span] of members) {
    if (!Object.hasOwn(changes, name)) pieces.push(text.slice(span.start, span.end));
    else if (changes[name] !== undefined) pieces.push(`${text.slice(span.start, span.valueStart)}${changes[name]}`);
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value !== undefined && !members.has(name)) pieces.push(`${JSON.stringify(name)}:${value}`);
  }
  return `{${pieces.join(',')}}`;
}
