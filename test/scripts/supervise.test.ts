import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { keptPort } from '../../scripts/engines/free-port.ts';
import { type Running, supervise } from '../../scripts/engines/supervise.ts';

function brief(): Running {
  return { pid: 1, ended: Promise.resolve(), stop: async () => undefined };
}

test('an engine that dies at once every time is given up, once, with the reason', async () => {
  let starts = 0;
  const given = new Promise<Error>((resolve) => {
    const start = async (): Promise<Running> => {
      starts++;
      if (starts > 2) throw new Error('no space left');
      return brief();
    };
    void supervise({ name: 'engine', start, log: () => undefined, restartsMax: 3, onGiveUp: resolve });
  });
  expect((await given).message).toMatch(/^engine died 4 times in 60 s and is given up: no space left/);
  expect(starts).toBe(4);
});

test('a stop while it is between two starts starts nothing more', async () => {
  let starts = 0;
  const start = async (): Promise<Running> => {
    starts++;
    return brief();
  };
  const supervised = await supervise({ name: 'engine', start, log: () => undefined });
  await supervised.stop();
  const then = starts;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(starts).toBe(then);
});

test('a port that the data are bound to is taken or refused, never changed silently', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-port-'));
  const port = await keptPort(folder, undefined);
  expect(await keptPort(folder, undefined, false)).toBe(port);
  await expect(keptPort(folder, port === 1 ? 2 : 1, false)).rejects.toThrow(`bound to port ${port}`);
  const blocker = net.createServer();
  await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
  try {
    await expect(keptPort(folder, undefined, false)).rejects.toThrow('is taken');
    expect(await keptPort(folder, undefined)).not.toBe(port);
  } finally {
    blocker.close();
    rmSync(folder, { recursive: true });
  }
});
