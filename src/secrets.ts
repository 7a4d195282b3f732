/** Values that appear in examples and manuals; a real installation must not run on them. */
const EXAMPLE_SECRETS = /^(change-?me|example|secret|password|test|0+|A+=*|(.)\2+=*)$/i;
const SECRET_BYTES_MIN = 32;

/**
 * Bytes of a base64 secret. Tells what is wrong with it in `problems`: too short, or in production an example value.
 */
export function decodeSecret(name: string, text: string, production: boolean, problems: string[]): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < SECRET_BYTES_MIN)
    problems.push(`${name}: needs at least ${SECRET_BYTES_MIN} random bytes in base64`);
  if (production && (EXAMPLE_SECRETS.test(text) || new Set(bytes).size < 12)) {
    problems.push(`${name}: is an example value; make one with: openssl rand -base64 32`);
  }
  return bytes;
}

/** `1:base64,2:base64`: version and key; the highest version wraps new data, the others still unwrap. */
export function decodeMasterKeys(text: string, production: boolean, problems: string[]): Map<number, Buffer> {
  const keys = new Map<number, Buffer>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,4}):(.+)$/.exec(part.trim());
    if (!match) {
      problems.push('MASTER_KEYS: must look like 1:<base64 of 32 bytes>[,2:<…>]');
      continue;
    }
    const key = decodeSecret('MASTER_KEYS', match[2] ?? '', production, problems);
    if (key.length !== SECRET_BYTES_MIN) problems.push('MASTER_KEYS: each key is exactly 32 bytes');
    keys.set(Number(match[1]), key);
  }
  return keys;
}
