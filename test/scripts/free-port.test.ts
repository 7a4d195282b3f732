import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { freePort, isPortFree, reservePort } from '../../scripts/engines/free-port.ts';
import { startNode } from '../helpers/built-process.ts';

/** Ports for servers that are yet to start, on a machine where others look for ports too. */

const MODULE = fileURLToPath(new URL('../../scripts/engines/free-port.ts', import.meta.url));

test('a port that one process was given is not given to another before its server listens, and is when it has ended', async () => {
  const tell = `const { freePort } = await import(${JSON.stringify(MODULE)}); console.log('given', await freePort());`;
  const other = startNode(
    ['--import', 'tsx', '--input-type=module', '-e', `${tell} setInterval(() => {}, 1_000);`],
    {},
  );
  await other.says(/given \d+/);
  const port = Number(/given (\d+)/.exec(other.output())?.[1]);
  expect(await isPortFree(port)).toBe(true);
  expect(await reservePort(port)).toBe(false);
  other.child.kill('SIGKILL');
  await once(other.child, 'close');
  expect(await reservePort(port)).toBe(true);
});

test('ports given one after the other differ, though nobody listens on them yet', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  expect(new Set(ports).size).toBe(50);
});
