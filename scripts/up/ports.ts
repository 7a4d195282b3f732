import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../setup/failure.mjs';
import type { Port } from './settings.ts';

/** Looks at every port before anything is started: a half-started product is harder to understand than a refusal. */

const RETRY_MS = 200;

function tryListen(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Socket numbers that listen on `port`, from the kernel's own tables. */
function listeningSockets(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(`:${hex}`) && columns[3] === '0A' && columns[9]) sockets.add(`socket:[${columns[9]}]`);
    }
  }
  return sockets;
}

function holds(pid: string, sockets: Set<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((descriptor) => sockets.has(readlinkSync(`${folder}/${descriptor}`)));
  } catch {
    return false; // It ended meanwhile, or belongs to another user.
  }
}

/** "process 1234 (node)" where Linux tells it, nothing elsewhere. */
function holderOf(port: number): string | undefined {
  try {
    const sockets = listeningSockets(port);
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holds(name, sockets));
    return pid && `process ${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`;
  } catch {
    return undefined;
  }
}

function explain({ setting, port, host, purpose }: Port, code: string): string {
  const change = `choose another with ${setting}=<port>`;
  if (code === 'EACCES') return `Port ${port} for ${purpose} needs more rights: ${change} (1024 or higher).`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `Port ${port} for ${purpose}: this machine has no address ${host}.`;
  }
  const holder = holderOf(port);
  return `Port ${port} for ${purpose} is taken${holder ? ` by ${holder}` : ''}: end what holds it, or ${change}.`;
}

/** Asks again until `deadlineMs`: what a killed supervisor left behind is ending by itself just now. */
async function whyNot(port: Port, deadlineMs: number): Promise<string | undefined> {
  for (;;) {
    const code = await tryListen(port.port, port.host);
    if (code !== 'EADDRINUSE' || Date.now() > deadlineMs) return code;
    await delay(RETRY_MS);
  }
}

/**
 * Throws one `SetupError` that lists every port that cannot be used.
 * @param patienceMs how long a taken port may take to become free.
 */
export async function checkPorts(ports: readonly Port[], patienceMs = 0): Promise<void> {
  const deadlineMs = Date.now() + patienceMs;
  const problems: string[] = [];
  const seen = new Map<number, Port>();
  for (const port of ports) {
    const other = seen.get(port.port);
    seen.set(port.port, port);
    if (other) {
      problems.push(`${other.setting} and ${port.setting} are both ${port.port}: give each its own.`);
      continue;
    }
    const code = await whyNot(port, deadlineMs);
    if (code) problems.push(explain(port, code));
  }
  if (problems.length > 0) throw new SetupError(problems.join('\n'));
}
