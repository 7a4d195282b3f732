import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/engines/free-port.ts';
import { startBuilt } from '../helpers/built-process.ts';

async function environment(): Promise<Record<string, string>> {
  return {
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: 'mongodb://127.0.0.1:1',
    REDIS_URL: 'redis://127.0.0.1:1',
    KEY_PEPPER: randomBytes(32).toString('base64'),
    MASTER_KEYS: `1:${randomBytes(32).toString('base64')}`,
    ADMIN_PORT: String(await freePort()),
  };
}

describe('the back-office placeholder', () => {
  it('is alive and ready, says in two languages that more comes later, and stops on SIGTERM with 0', async () => {
    const env = await environment();
    const url = `http://127.0.0.1:${env.ADMIN_PORT}`;
    const admin = startBuilt('admin', env);
    await admin.says(/"msg":"listening"/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const page = await fetch(url);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    const text = await page.text();
    expect(text).toMatch(/comes with a later version/);
    expect(text).toMatch(/появится в одной из следующих версий/);
    admin.child.kill('SIGTERM');
    expect(await admin.ended).toBe(0);
  });

  it('takes no input and shows nothing else', async () => {
    const env = await environment();
    const url = `http://127.0.0.1:${env.ADMIN_PORT}`;
    const admin = startBuilt('admin', env);
    await admin.says(/"msg":"listening"/);
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(405);
    expect((await fetch(`${url}/../etc/passwd`)).status).toBe(404);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    admin.child.kill('SIGINT');
    expect(await admin.ended).toBe(0);
  });
});
