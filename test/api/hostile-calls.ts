import { type Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { OPERATIONS } from '../../src/api/openapi.ts';
import { chatCompletionRequest } from '../../src/api/schemas.ts';

/** Calls to every documented operation by somebody who means no good, made from the very schemas that the routes use. */

export type Call = { method: string; path: string; headers: Record<string, string>; body: string };
export type Reply = { status: number; headers: IncomingHttpHeaders; text: string };

/** Ids that exist: of the caller, and of somebody else. */
export type KnownIds = { own: string; foreign: string };

/** JSON numbers that are none, are too many, or are not what they seem. */
export const ODD_NUMBERS = [
  '0', '-0', '-0.0', '0e5', '1', '1.0', '1e0', '10E-1', '-1', '0.5', '1.0000000000000000001', '1e400', '-1e400', '1e-400', '5e-324',
  '9007199254740991', '9007199254740993', '1e21', '1e308', '18446744073709551616', '2147483648', '17', '10000001',
] as const; // biome-ignore format: a table of numbers

const ODD_VALUES = [
  'null', 'true', '""', '"x"', '[]', '{}', '[[]]', '[null]', '[{}]', '{"role":"user"}', '"\\ud800"', '"\\u0000"', 'NaN', '01', '"$where"',
  '{"$gt":""}', '{"__proto__":1}', '{"constructor":{}}', '{"a":1,"a":2}', `${'['.repeat(33)}${']'.repeat(33)}`, `"${'x'.repeat(300)}"`,
  '[{"role":"user","content":"x"}]', '{"include_usage":true}', '"test/echo"', '"test/none"', '"../../etc/passwd"',
] as const; // biome-ignore format: a table of values

const member = fc.constantFrom(...Object.keys(chatCompletionRequest.shape), 'user', 'seed', '$where', 'accountId');
const jsonText = fc.oneof(fc.constantFrom(...ODD_NUMBERS), fc.constantFrom(...ODD_VALUES), fc.json({ maxDepth: 3 }));
const GOOD_MEMBERS = ['"model":"test/echo"', '"messages":[{"role":"user","content":"x"}]', '"max_tokens":5'];
const body = fc.oneof(
  fc.array(fc.tuple(member, jsonText), { maxLength: 4 }).map((members) => {
    const named = new Set(members.map(([name]) => `"${name}":`));
    const good = GOOD_MEMBERS.filter((one) => ![...named].some((name) => one.startsWith(name)));
    return `{${[...good, ...members.map(([name, value]) => `${JSON.stringify(name)}:${value}`)].join(',')}}`;
  }),
  jsonText,
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constant(''),
);

const ODD_HEADERS = [
  '', '0', '-1', '1.5', 'NaN', '1e9', 'true', 'finish', 'respond-async', '999999999999.999999', 'x'.repeat(300), '{}', '$', '\u00ff\u0080', '/../',
  'https://example.com/hook', 'https://127.0.0.1/', 'https://[::1]/', 'http://example.com', 'gzip', 'text/plain', 'application/json', '*/*', 'a, b',
] as const; // biome-ignore format: a table of values
const GENERAL_HEADERS = ['accept', 'content-type', 'content-encoding', 'if-none-match', 'range', 'origin', 'cookie', 'x-forwarded-for', 'x-request-id', 'x-http-method-override', 'last-event-id', 'accept-encoding']; // biome-ignore format: one line of names
const headerNames = OPERATIONS.flatMap(({ request }) => {
  const headers = request?.headers;
  return headers !== undefined && 'shape' in headers ? Object.keys(headers.shape as object) : [];
});
const headers = fc.dictionary(
  fc.constantFrom(...headerNames, ...GENERAL_HEADERS),
  fc.oneof(fc.constantFrom(...ODD_HEADERS), fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,20}$/)),
  { maxKeys: 3, noNullPrototype: true },
);

const PATH_PIECES = ['', '.', '..', '%2e%2e', '%2f', '%', '%zz', '%00', '%ff', '%C3%28', '$gt', '[$ne]', '__proto__', 'constructor', 'null', 'test/echo', 'test%2Fecho', '{requestId}', 'x'.repeat(200), ';a=b', '\\', '*', "'"]; // biome-ignore format: one line of pieces
const QUERIES = ['', '?', '?starting_after=0', '?starting_after=-1', '?starting_after=1e3', '?starting_after=9999999999', '?starting_after[$gt]=', '?starting_after=0&starting_after=1', '?__proto__[x]=1', '?%', '?a=%ff', '?limit=1', '?key=x']; // biome-ignore format: one line of queries

const paths = ({ own, foreign }: KnownIds) => {
  const piece = fc.oneof(fc.constantFrom(...PATH_PIECES, own, foreign), fc.stringMatching(/^[!-~]{0,12}$/));
  const pattern = fc.constantFrom(...OPERATIONS.map(({ path }) => path));
  const known = fc
    .tuple(
      pattern,
      piece,
      fc.oneof(
        { weight: 4, arbitrary: fc.constant('') },
        piece.map((one) => `/${one}`),
      ),
    )
    .map(([path, id, more]) => path.replace(/\{\w+\}/, () => id) + more);
  const unknown = fc.array(piece, { maxLength: 5 }).map((pieces) => `/${pieces.join('/')}`);
  return fc
    .tuple(fc.oneof({ weight: 5, arbitrary: known }, unknown), fc.constantFrom(...QUERIES))
    .map(([path, query]) => (path.startsWith('/docs') ? `/v1${path}` : path) + query);
};

/** @param key the caller's; some calls come without it or with one that is nobody's. */
export function hostileCall(key: string, ids: KnownIds): fc.Arbitrary<Call> {
  const authorization = fc.oneof(
    { weight: 12, arbitrary: fc.constant<string | undefined>(`Bearer ${key}`) },
    fc.constantFrom(undefined, '', 'Bearer', `Basic ${key}`, `Bearer ${key}x`, `Bearer ${key} ${key}`, 'Bearer \u00ff'),
  );
  const chat = fc.record({ method: fc.constant('POST'), path: fc.constant('/v1/chat/completions'), headers, body });
  const method = fc.constantFrom(
    'GET',
    'GET',
    'GET',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'OPTIONS',
    'HEAD',
    'TRACE',
    'PROPFIND',
  );
  const any = fc.record({ method, path: paths(ids), headers, body: fc.oneof(fc.constant(''), body) });
  return fc.tuple(fc.oneof(chat, any), authorization).map(([call, auth]) => ({
    ...call,
    headers: {
      'content-type': 'application/json',
      ...Object.fromEntries(Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), value])),
      ...(auth === undefined ? {} : { authorization: auth }),
    },
  }));
}

const ANSWER_MS_MAX = 30_000;

/** Sends a call as it is spelled: no client library tidies its path. The body goes in UTF-8. */
export function sendCall(url: string, agent: Agent, { method, path, headers: sent, body: text }: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const length = method === 'GET' || method === 'HEAD' ? {} : { 'content-length': Buffer.byteLength(text) };
    const { hostname, port } = new URL(url);
    const request = httpRequest({ hostname, port, method, path, agent, signal, headers: { ...sent, ...length } });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.end('content-length' in length ? text : undefined);
  });
}
