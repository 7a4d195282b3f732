import { gzipSync, inflateRawSync, constants as zlib } from 'node:zlib';

/** How a text may lie in bytes: each way under a name, for the message of a test that finds it. */
export type Needle = { name: string; bytes: Buffer };

/** Magic, deflate, and no optional fields in the header. */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 0x08, 0x00]);
const GZIP_HEADER_BYTES = 10;
const MEMBERS_MAX = 10_000;

/** UTF-8, UTF-16 of both orders, hex of both cases, and base64 of all three alignments, plain and for URLs. */
export function needlesOf(secret: string): Needle[] {
  const utf16 = Buffer.from(secret, 'utf16le');
  const hex = Buffer.from(secret).toString('hex');
  return [
    { name: 'utf-8', bytes: Buffer.from(secret) },
    { name: 'utf-16le', bytes: utf16 },
    { name: 'utf-16be', bytes: Buffer.from(utf16).swap16() },
    { name: 'hex', bytes: Buffer.from(hex) },
    { name: 'HEX', bytes: Buffer.from(hex.toUpperCase()) },
    ...[0, 1, 2].map((alignment) => ({ name: `base64+${alignment}`, bytes: base64Core(secret, alignment) })),
  ];
}

/** The characters of base64 that the secret alone decides, whatever stands before and after it. */
function base64Core(secret: string, alignment: number): Buffer {
  const text = Buffer.concat([Buffer.alloc(alignment), Buffer.from(secret)])
    .toString('base64')
    .replace(/=+$/, '');
  const whole = Math.floor((alignment + secret.length) / 3) * 4;
  return Buffer.from(text.slice(alignment === 0 ? 0 : 4, whole));
}

const PGLZ_GROUP = 8;

/**
 * Whether the text lies in what PostgreSQL has compressed, which it does with rows of more than 2 kB: what comes for the first
 * time stays as it is, with one byte before each eight of its bytes. Texts of 24 bytes or more have two whole groups.
 */
function isInPglz(dump: Buffer, secret: string): boolean {
  const bytes = Buffer.from(secret);
  for (let from = 0; from + 2 * PGLZ_GROUP <= bytes.length; from++) {
    const [first, second] = [from, from + PGLZ_GROUP].map((at) => bytes.subarray(at, at + PGLZ_GROUP)) as [
      Buffer,
      Buffer,
    ];
    for (let at = dump.indexOf(first); at >= 0; at = dump.indexOf(first, at + 1)) {
      const next = at + PGLZ_GROUP + 1;
      if (second.equals(dump.subarray(next, next + PGLZ_GROUP))) return true;
    }
  }
  return false;
}

/** The ways in which the secret is found in a dump, members of gzip in it included. */
export function found(dump: Buffer, secret: string): string[] {
  const plain = needlesOf(secret).filter(({ bytes }) => dump.includes(bytes));
  const inside = gzipMembers(dump).flatMap((member) =>
    needlesOf(secret).flatMap(({ name, bytes }) => (member.includes(bytes) ? [`gzip of ${name}`] : [])),
  );
  const compressed = isInPglz(dump, secret) ? ['pglz of utf-8'] : [];
  return [...new Set([...plain.map(({ name }) => name), ...inside, ...compressed])];
}

function gzipMembers(dump: Buffer): Buffer[] {
  const members: Buffer[] = [];
  for (
    let at = dump.indexOf(GZIP_HEAD);
    at >= 0 && members.length < MEMBERS_MAX;
    at = dump.indexOf(GZIP_HEAD, at + 1)
  ) {
    try {
      members.push(inflateRawSync(dump.subarray(at + GZIP_HEADER_BYTES), { finishFlush: zlib.Z_SYNC_FLUSH }));
    } catch {
      // Bytes that look like it by chance. What follows a member is no error.
    }
  }
  return members;
}

/** One text in every way that `found` must find, each between other bytes: the control of the test itself. */
export function planted(secret: string): Needle[] {
  const around = (bytes: Buffer) => Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')]);
  return [
    ...needlesOf(secret).filter(({ name }) => !name.startsWith('base64')),
    ...['', 'x', 'xy'].map((pad, alignment) => ({
      name: `base64+${alignment}`,
      bytes: Buffer.from(Buffer.from(`${pad}${secret}…`).toString('base64')),
    })),
    { name: 'gzip of utf-8', bytes: gzipSync(`a page with ${secret} in it`) },
  ].map(({ name, bytes }) => ({ name, bytes: around(bytes) }));
}
