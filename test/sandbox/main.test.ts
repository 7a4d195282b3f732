import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const main = fileURLToPath(new URL('../../src/sandbox/main.ts', import.meta.url));

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the process says where it listens and ends open streams on %s',
  async (signal) => {
    const child = spawn(process.execPath, ['--import', 'tsx', main], {
      env: { SANDBOX_PORT: '0', SANDBOX_API_KEY: 'sandbox-key' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const found = /^sandbox provider on (http:\/\/127\.0\.0\.1:\d+\/v1)\n$/u.exec(line.toString());
      const url = `${found?.[1]}/chat/completions`;
      const body = JSON.stringify({
        model: 'sandbox@n=10000,d=50',
        stream: true,
        messages: [{ role: 'user', content: 'x' }],
      });
      expect((await fetch(url, { method: 'POST', body })).status).toBe(401);

      const answer = await fetch(url, { method: 'POST', body, headers: { authorization: 'Bearer sandbox-key' } });
      expect(answer.status).toBe(200);
      const startMs = performance.now();
      child.kill(signal);
      const [[code], reading] = await Promise.all([once(child, 'exit'), answer.text().catch(() => 'broken')]);
      expect(code).toBe(0);
      expect(performance.now() - startMs).toBeLessThan(2000);
      expect(reading).toBe('broken');
    } finally {
      child.kill('SIGKILL');
    }
  },
);
