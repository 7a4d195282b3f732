/** A row as a person reads it: member by member, each by its path. Texts that are JSON, as requests are, are opened up. */

/** What a person reads of one row; the file for machines has all. */
const MEMBERS_MAX = 200;
const CHARACTERS_MAX = 4_000;
/** What is nested deeper is shown as it is written; a customer decides how deep that goes. */
const DEPTH_MAX = 12;
const JSON_CHARACTERS_MAX = 100_000;

type Member = readonly [path: string, text: string];

/** The object or list that a text stands for. */
function opened(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text) || text.length > JSON_CHARACTERS_MAX) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? '…' : String(value as number | bigint | boolean);
}

function* members(value: unknown, path: string, depth: number): Generator<Member> {
  const inner = typeof value === 'string' ? opened(value) : value;
  const isNested = typeof inner === 'object' && inner !== null && !(inner instanceof Date);
  if (!isNested || depth === DEPTH_MAX) {
    if (value !== null && value !== undefined) yield [path, shown(value)];
    return;
  }
  for (const [name, member] of Object.entries(inner))
    yield* members(member, path === '' ? name : `${path}.${name}`, depth + 1);
}

/** The row's members, at most 200; `isCut` when that, or a text in them, is not all. */
export function readableRow(row: object): { members: Member[]; isCut: boolean } {
  const kept: Member[] = [];
  let isCut = false;
  for (const [path, text] of members(row, '', 0)) {
    if (kept.length === MEMBERS_MAX) return { members: kept, isCut: true };
    isCut ||= text.length > CHARACTERS_MAX;
    kept.push([path, text.slice(0, CHARACTERS_MAX)]);
  }
  return { members: kept, isCut };
}
