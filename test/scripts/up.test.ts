import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/engines/free-port.ts';
import { parseEnvironment } from '../../scripts/environment.ts';
import { tryLock } from '../../scripts/setup/lock.mjs';
import { createProgress } from '../../scripts/setup/progress.mjs';
import { createLogFile } from '../../scripts/up/log-file.ts';
import { createSink, readLines } from '../../scripts/up/output.ts';
import { checkPorts } from '../../scripts/up/ports.ts';
import { ensureSecrets } from '../../scripts/up/secrets.ts';
import { readSettings } from '../../scripts/up/settings.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'ocelotiq-up-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => path.join(folder, name);

describe('the lock of a data folder', () => {
  it('is held by one process, named, and free after release', () => {
    const lock = tryLock(file('lock'));
    expect(tryLock(file('lock'))).toEqual({ heldByPid: process.pid });
    lock.release?.();
    const again = tryLock(file('lock'));
    expect(again).toMatchObject({ leftover: false });
    again.release?.();
    expect(existsSync(file('lock'))).toBe(false);
  });

  it('is taken over from a process that was killed, even when its number lives on in another', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'close');
    writeFileSync(file('dead'), `${child.pid} 1`);
    expect(tryLock(file('dead'))).toMatchObject({ leftover: true });
    writeFileSync(file('reused'), `${process.pid} 1`);
    const reused = tryLock(file('reused'));
    if (process.platform === 'linux') expect(reused).toMatchObject({ leftover: true });
  });
});

describe('the port check', () => {
  const port = (setting: string, number: number) => ({ setting, port: number, host: '127.0.0.1', purpose: 'a test' });

  it('lists every problem at once, with the setting to change', async () => {
    const [taken, free] = [await freePort(), await freePort()];
    const holder = createServer().listen(taken, '127.0.0.1');
    await once(holder, 'listening');
    const check = checkPorts([port('A_PORT', taken), port('B_PORT', free), port('C_PORT', free)]);
    await expect(check).rejects.toThrow(/A_PORT=<port>[\s\S]*B_PORT and C_PORT are both/);
    holder.close();
    await once(holder, 'close');
    await expect(checkPorts([port('A_PORT', taken)])).resolves.toBeUndefined();
  });

  it('waits for a port that is about to become free', async () => {
    const taken = await freePort();
    const holder = createServer().listen(taken, '127.0.0.1');
    await once(holder, 'listening');
    setTimeout(() => holder.close(), 300);
    await expect(checkPorts([port('A_PORT', taken)], 5_000)).resolves.toBeUndefined();
  });
});

describe('the secrets of an evaluation', () => {
  it('are made once, kept, and readable for this user only', () => {
    const first = ensureSecrets(folder);
    expect(ensureSecrets(folder)).toEqual(first);
    expect(Buffer.from(first.KEY_PEPPER, 'base64')).toHaveLength(32);
    expect(first.MASTER_KEYS).toMatch(/^1:[A-Za-z0-9+/]{43}=$/);
    expect(statSync(file('secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('are never replaced silently when the file is damaged', () => {
    writeFileSync(file('secrets.json'), '{"KEY_PEPPER":');
    expect(() => ensureSecrets(folder)).toThrow(/damaged/);
    expect(readFileSync(file('secrets.json'), 'utf8')).toBe('{"KEY_PEPPER":');
  });
});

describe('a log file', () => {
  it('rotates at its bound and keeps three old ones', () => {
    const log = createLogFile(file('role.log'), () => undefined, 100);
    for (let number = 0; number < 50; number++) log.write(`line ${number} ${'x'.repeat(20)}`);
    expect(readFileSync(file('role.log'), 'utf8')).toContain('line 49');
    for (const name of ['role.log', 'role.log.1', 'role.log.2', 'role.log.3']) {
      expect(statSync(file(name)).size).toBeLessThanOrEqual(100);
    }
    expect(existsSync(file('role.log.4'))).toBe(false);
    expect(statSync(file('role.log')).mode & 0o077).toBe(0);
  });

  it('tells once when it cannot be written, and does not throw', () => {
    const failures: Error[] = [];
    const log = createLogFile(file('gone/role.log'), (error) => failures.push(error));
    rmSync(file('gone'), { recursive: true });
    log.write('one');
    log.write('two');
    expect(failures).toHaveLength(1);
  });
});

describe('the output of a process', () => {
  it('goes whole to the log; warnings and complaints are shown, held back until it may speak', () => {
    const logged: string[] = [];
    const shown: string[] = [];
    const sink = createSink('api', { write: (line) => logged.push(line) }, (line) => shown.push(line));
    sink.entry('{"level":"info","msg":"listening"}');
    sink.entry('{"level":"warn","msg":"slow","err":{"message":"because"}}');
    sink.complaint('Error: no');
    expect(shown).toEqual([]);
    sink.speak();
    expect(shown).toEqual(['[api] warn: slow - because', '[api] Error: no']);
    for (let number = 0; number < 1_000; number++) sink.entry('{"level":"error","msg":"storm"}');
    expect(shown.length).toBeLessThanOrEqual(20);
    expect(logged).toHaveLength(1_003);
  });

  it('is cut into lines, and a line without an end into bounded pieces', async () => {
    const stream = new PassThrough();
    const lines: string[] = [];
    readLines(stream, (line) => lines.push(line));
    stream.write('one\ntw');
    stream.write('o\n\n');
    stream.end('x'.repeat(40_000));
    await once(stream, 'end');
    expect(lines.slice(0, 2)).toEqual(['one', 'two']);
    expect(lines.slice(2).join('')).toBe('x'.repeat(40_000));
  });
});

describe('progress', () => {
  it('shows a line at the start, signs of life and the time at the end, also where there is no terminal', async () => {
    const stream = new PassThrough();
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
    });
    const progress = createProgress(stream);
    const given = await progress.step('Working', async (note) => {
      note('half way');
      while (!/\.\.\. 2\.\d s/.test(text)) await new Promise((resolve) => setTimeout(resolve, 50));
      return 7;
    });
    expect(given).toBe(7);
    expect(text).toMatch(/^Working\n {2}half way\n {2}\.\.\. 2\.\d s\n {2}done in 2\.\d s\n$/);
    await expect(progress.step('Failing', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(text).toMatch(/failed after/);
  });
});

describe('settings', () => {
  it('have defaults that do not collide and can all be changed', () => {
    const { ports } = readSettings({}, '/somewhere');
    const numbers = Object.values(ports).map(({ port }) => port);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const { setting } of Object.values(ports)) {
      const changed = readSettings({ [setting]: '12345' }, '/somewhere');
      expect(Object.values(changed.ports).filter(({ port }) => port === 12_345)).toHaveLength(1);
    }
  });

  it('are left for the scripts in a form they read', () => {
    expect(parseEnvironment('MONGODB_URI=mongodb://a/?b=c\nMASTER_KEYS=1:ab=\n')).toEqual({
      MONGODB_URI: 'mongodb://a/?b=c',
      MASTER_KEYS: '1:ab=',
    });
  });
});
