import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseEnvironment, scriptEnvironment } from '../../scripts/environment.ts';
import { keyDigest } from '../../src/auth/key-format.ts';
import { newId } from '../../src/ids.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { useStores } from '../helpers/stores.ts';

const stores = useStores();
const pepper = randomBytes(32);

function run(script: 'key' | 'account', ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    PATH: process.env.PATH,
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    REDIS_PREFIX: stores.prefix,
    KEY_PEPPER: pepper.toString('base64'),
    MASTER_KEYS: `1:${Buffer.alloc(32, 5).toString('base64')}`,
  };
  const args = ['--import', 'tsx', `scripts/${script}.ts`, ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

describe('npm run key and account', () => {
  test('an account is made, gets a key with all options, and the key is listed and revoked', async () => {
    const accountId = (await run('account', 'create')).out.trim();
    const issued = await run(
      'key', 'issue', '--account', accountId, '--label', 'shop', '--test', '--models', 'a,b*', '--endpoints', 'models,chat.completions',
      '--expires', '2090-01-01', '--daily-rub', '100', '--monthly-rub', '1000.50', '--lifetime-rub', '5000', '--rpm', '60',
      '--tpm', '100000', '--concurrency', '5', '--callback-url', 'https://shop.example/hook', '--on-disconnect', 'finish', '--zero-retention',
    ); // biome-ignore format: a command line
    expect(issued).toMatchObject({ code: 0, err: '' });
    const key = /ocq_test_[0-9A-Za-z]{38}/.exec(issued.out)?.[0] ?? '';
    expect(issued.out).toMatch(/whsec_/);
    const document = await ApiKey.findOne({ digest: keyDigest(pepper, key) }).lean();
    expect(document).toMatchObject({
      accountId,
      label: 'shop',
      scopes: { models: ['a', 'b*'], endpoints: ['models', 'chat.completions'] },
      limits: {
        dailyMicros: 100_000_000n,
        monthlyMicros: 1_000_500_000n,
        lifetimeMicros: 5_000_000_000n,
        requestsPerMinute: 60,
        tokensPerMinute: 100_000,
        concurrency: 5,
      },
      expiresAt: new Date('2090-01-01T00:00:00Z'),
      onDisconnect: 'finish',
      zeroRetention: true,
    });

    const listed = await run('key', 'list', '--account', accountId);
    expect(listed.out).toContain(document?._id);
    expect(listed.out).not.toContain(key);
    expect((await run('key', 'revoke', document?._id ?? '')).out).toMatch(/is revoked since/);
    expect((await run('key', 'list')).out).toMatch(/revoked 20/);

    const shown = await run('account', 'show', accountId);
    expect(shown.out).toMatch(/status +active\nbalance +0 RUB\nheld +0 RUB\nopen requests +0/);
  });

  test('a wrong command line exits with 2 and shows the usage', async () => {
    const wrong = [
      ['key'],
      ['key', 'issue', '--account', 'x', '--surprise'],
      ['key', 'issue', '--account', 'x', '--daily-rub', '1e3'],
      ['key', 'issue', '--account', 'x', '--expires', '2090-02-31'],
      ['key', 'issue', '--account', 'x', '--callback-url', 'http://shop.example/'],
      ['account', 'show'],
    ] as const;
    for (const { code, out, err } of await Promise.all(wrong.map(([script, ...words]) => run(script, ...words)))) {
      expect(err).toMatch(/Usage: /);
      expect({ code, out }).toEqual({ code: 2, out: '' });
    }
  });

  test('what fails for other reasons exits with 1 and says why, without a stack', async () => {
    const result = await run('key', 'issue', '--account', newId('acc'));
    expect(result).toEqual({ code: 1, out: '', err: 'The account does not exist.\n' });
  });
});

describe('the environment of scripts', () => {
  test('is the process environment over the file of the running evaluation', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'ocelotiq-environment-'));
    const file = path.join(folder, 'runtime.env');
    writeFileSync(file, '# written by npm start\nOCQ_TEST_ONLY=a=b\n\nPATH=/nowhere\nnot a line\n');
    expect(scriptEnvironment(file)).toMatchObject({ OCQ_TEST_ONLY: 'a=b', PATH: process.env.PATH });
    expect(scriptEnvironment(path.join(folder, 'missing'))).toMatchObject({ PATH: process.env.PATH });
    expect(parseEnvironment('A=1\r\nB=\r\nlower=2')).toEqual({ A: '1', B: '' });
    rmSync(folder, { recursive: true });
  });
});
