import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/engines/free-port.ts';

const script = fileURLToPath(new URL('../../docker/healthcheck.mjs', import.meta.url));

async function check(port: number): Promise<number> {
  const child = spawn(process.execPath, [script, `http://127.0.0.1:${port}/readyz`], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  return code;
}

describe('docker/healthcheck.mjs', () => {
  it.each([
    [200, 0],
    [503, 1],
    [204, 1],
  ])('turns an answer of %i into exit code %i', async (status, exitCode) => {
    const port = await freePort();
    const server = createServer((_request, response) => response.writeHead(status).end()).listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect(await check(port)).toBe(exitCode);
    server.close();
  });

  it('fails when nobody answers', async () => {
    expect(await check(await freePort())).toBe(1);
  });
});
