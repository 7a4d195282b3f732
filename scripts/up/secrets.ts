import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup/failure.mjs';

/** The secrets of an evaluation installation: made once, kept beside the data they protect. */

export type Secrets = { KEY_PEPPER: string; MASTER_KEYS: string };

const SECRET_BYTES = 32;

function makeSecrets(): Secrets {
  return {
    KEY_PEPPER: randomBytes(SECRET_BYTES).toString('base64'),
    MASTER_KEYS: `1:${randomBytes(SECRET_BYTES).toString('base64')}`,
  };
}

/** Written beside and renamed, so that a full disk leaves the old file and never half of one. */
export function writePrivate(file: string, text: string): void {
  const draft = `${file}.next`;
  writeFileSync(draft, text, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

function isSecrets(value: unknown): value is Secrets {
  return (
    typeof value === 'object' &&
    value !== null &&
    'KEY_PEPPER' in value &&
    'MASTER_KEYS' in value &&
    typeof value.KEY_PEPPER === 'string' &&
    typeof value.MASTER_KEYS === 'string'
  );
}

/** The stored secrets, made on the first start. Throws `SetupError` when the file is damaged: new ones would not fit the data. */
export function ensureSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  if (!existsSync(file)) {
    const secrets = makeSecrets();
    writePrivate(file, `${JSON.stringify(secrets, null, 2)}\n`);
    return secrets;
  }
  const stored = parse(readFileSync(file, 'utf8'));
  if (isSecrets(stored)) return { KEY_PEPPER: stored.KEY_PEPPER, MASTER_KEYS: stored.MASTER_KEYS };
  throw new SetupError(
    `${file} is damaged, and the stored keys and content cannot be read without it.\n` +
      `Put it back from a backup, or delete ${dataDir} to begin again with nothing in it.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
