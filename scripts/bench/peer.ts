import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../engines/free-port.ts';
import { run } from '../setup/run.mjs';
import { pin } from './pinning.ts';
import { LEASH } from './product-process.ts';
import type { Target } from './target.ts';

/**
 * The gateway to compare with: Portkey's, which routes and retries but holds no money and queues nothing. It lives in a
 * workspace of its own, is installed on first use, and listens and connects on this machine only (preload.cjs).
 */

export const PEER = 'portkey';
const INSTALL_MS = 180_000;
const READY_MS = 20_000;
const STOP_MS = 3_000;

export type PeerOptions = {
  root: string;
  dataDir: string;
  /** Base URL of the upstream, ending in `/v1`. */
  upstreamUrl: string;
  models: Target['models'];
  core: string | undefined;
  signal: AbortSignal;
  note: (line: string) => void;
  defer: (stop: () => Promise<void>) => void;
};

/** The running peer, or undefined (with the reason noted) where it cannot be had. */
export async function startPeer(options: PeerOptions): Promise<Target | undefined> {
  const { root, upstreamUrl, models, core, signal, note, defer } = options;
  const folder = join(root, 'scripts', 'bench', 'peer');
  if (!(await isInstalled(folder, note))) return undefined;
  const port = await freePort();
  const entry = join(folder, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  const output = openSync(join(options.dataDir, 'peer.log'), 'a');
  const child = spawn(
    process.execPath,
    ['--require', join(folder, 'preload.cjs'), '--import', LEASH, entry, `--port=${port}`, '--headless'],
    {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production' },
      stdio: ['ignore', output, output, 'ipc'],
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  defer(async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the peer did not start');
  if (core !== undefined) await pin(pid, core);
  await ready(port, signal);
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': upstreamUrl,
    authorization: 'Bearer sk-bench',
  };
  return {
    name: PEER,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    headers: [headers],
    models,
    pids: { [PEER]: () => [pid] },
  };
}

async function isInstalled(folder: string, note: PeerOptions['note']): Promise<boolean> {
  if (existsSync(join(folder, 'node_modules', '.package-lock.json'))) return true;
  note('installing the gateway to compare with');
  const { code, output } = await run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    quiet: true,
    timeoutMs: INSTALL_MS,
  });
  if (code !== 0) note(`no peer to compare with: ${output.trim().split('\n')[0] ?? 'npm ci failed'}`);
  return code === 0;
}

async function ready(port: number, signal: AbortSignal): Promise<void> {
  const giveUpAtMs = performance.now() + READY_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal }).catch(() => undefined);
    if (answer) {
      await answer.arrayBuffer();
      return;
    }
    if (performance.now() > giveUpAtMs) throw new Error('the peer is not ready');
    await delay(100, undefined, { signal });
  }
}
