import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { freePort } from '../../scripts/engines/free-port.ts';
import { which } from '../../scripts/engines/which.ts';
import { createLogger } from '../../src/log.ts';
import { openBoardQueues } from '../../src/queue/board-queues.ts';
import { openFailedJobs } from '../../src/queue/failed-jobs.ts';
import { inspectQueues, listFailedJobs } from '../../src/queue/inspect.ts';
import { JobFailure } from '../../src/queue/job-failure.ts';
import { checkRedis, createRedis, type RedisPurpose, redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { failingHandlers, failJobs, workersWith } from '../queue/failing.ts';

/** The Redis of docker-compose.yml, run for real from the same start script, configuration and secret files. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const log = createLogger({ role: 'test', level: 'silent' });
const server = which('redis-server', process.env.PATH ?? '');
const withServer = server === undefined ? describe.skip : describe;

withServer('Redis in production', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ocelotiq-acl-'));
  const secrets = path.join(folder, 'secrets');
  const clients: Redis[] = [];
  let port = 0;
  let child: ChildProcess;
  let exited: Promise<unknown>;

  /** What a stranger without any client library is answered. */
  async function sayPlainly(line: string): Promise<string> {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.write(`${line}\r\n`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    return String(answer);
  }

  function connect(role: string, purpose: RedisPurpose = 'commands'): Redis {
    const url = readFileSync(path.join(secrets, `redis_url_${role}`), 'utf8');
    const client = createRedis(url.replace('@redis:6379', `@127.0.0.1:${port}`), purpose, log);
    clients.push(client);
    return client;
  }

  async function ready(role: string): Promise<Redis> {
    const client = connect(role);
    await redisReady(client);
    return client;
  }

  beforeAll(async () => {
    expect(spawnSync('sh', [path.join(root, 'docker/secrets.sh'), secrets]).status).toBe(0);
    port = await freePort();
    const overrides = ['--port', String(port), '--bind', '127.0.0.1'];
    child = spawn('sh', [path.join(root, 'docker/redis-start.sh'), ...overrides], {
      env: { PATH: process.env.PATH, SECRETS_DIR: secrets, WORK_DIR: folder, DATA_DIR: folder },
      stdio: 'ignore',
    });
    exited = once(child, 'exit');
    await redisReady(connect('workers'));
  });

  afterAll(async () => {
    for (const client of clients) if (client.status !== 'ready') client.disconnect();
    await Promise.all(clients.filter(({ status }) => status === 'ready').map((client) => client.quit()));
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });

  it('passes the check that every process makes at its start', async () => {
    await expect(checkRedis(await ready('api'))).resolves.toBeUndefined();
    await expect(checkRedis(await ready('workers'))).resolves.toBeUndefined();
  });

  it('lets api enqueue, workers process, and both relay a stream and a message', async () => {
    const prefix = 'ocq:q';
    const queue = new Queue('acl', { connection: connect('api'), prefix });
    const done: string[] = [];
    const processed = new Promise<void>((resolve) => {
      const worker = new Worker('acl', async (job) => done.push(job.name), {
        connection: connect('workers', 'blocking'),
        prefix,
      });
      worker.on('completed', () => void worker.close().then(resolve));
    });
    await queue.add('first', { id: 1 }, { attempts: 2, priority: 3, jobId: 'acl-1' });
    await processed;
    expect(done).toEqual(['first']);
    expect(await queue.getJobCounts('waiting', 'completed')).toMatchObject({ waiting: 0 });
    await queue.close();

    const [api, workers, subscriber] = [await ready('api'), await ready('workers'), connect('api', 'blocking')];
    await workers.xadd('ocq:log:req', '*', 'b', 'x');
    expect(await api.xlen('ocq:log:req')).toBe(1);
    await subscriber.subscribe('ocq:keys');
    const heard = once(subscriber, 'message');
    await workers.publish('ocq:keys', 'key_1');
    expect((await heard)[1]).toBe('key_1');
    expect(await api.eval("return redis.call('incr', KEYS[1])", 1, 'ocq:rate:x')).toBe(1);
  });

  it('lets the back-office read the queues, and retry and drain what failed', async () => {
    const prefix = 'ocq';
    const connections = { commands: await ready('workers'), blocking: connect('workers', 'blocking'), prefix };
    const jobIds = ['acl-retried', 'acl-all', 'acl-drained'];
    const data = { day: '2026-11-25' };
    await failJobs(
      jobIds.map((jobId, priority) => ({ key: 'purgeContent', data, jobId, priority })),
      new Error('x'),
      connections,
    );
    const admin = await ready('admin');
    const failed = openFailedJobs(admin, prefix);
    const board = openBoardQueues(admin, prefix);
    for (const queue of board.adapters) {
      const name = queue.getName();
      expect(await queue.getJobCounts()).toMatchObject({ failed: name === 'maintenance' ? 3 : 0 });
      const jobs = await queue.getJobs(['waiting', 'failed', 'delayed', 'active', 'prioritized'], 0, 9);
      expect(await Promise.all(jobs.map((job) => job.getState()))).toEqual(jobs.map(() => 'failed'));
      expect(await queue.isPaused()).toBe(false);
      expect(await queue.getGlobalConcurrency()).toBeNull();
      expect(await queue.getJobSchedulersCount()).toBe(0);
      expect(await queue.getActiveRateLimitTtl()).toBe(0);
    }
    await board.close();
    expect(await listFailedJobs(admin, prefix)).toHaveLength(3);
    expect(await failed.retry('maintenance', 'acl-retried')).toBe('waiting');
    expect(await failed.retryAll('maintenance')).toEqual({ taken: 2, left: 0 });
    const workers = workersWith(failingHandlers(new JobFailure('x')), connections.blocking, prefix);
    await eventually(async () => expect(await listFailedJobs(admin, prefix)).toHaveLength(3));
    await workers.drain(10_000);
    expect(await failed.drain('maintenance')).toEqual({ taken: 3, left: 0 });
    const states = await inspectQueues(admin, prefix, Date.now());
    expect(states.find(({ queue }) => queue === 'maintenance')).toMatchObject({ waiting: 0, active: 0, failed: 0 });
    await failed.close();
  });

  it.each([
    ['api', 'FLUSHALL', []],
    ['api', 'CONFIG', ['GET', '*']],
    ['api', 'KEYS', ['*']],
    ['api', 'SCRIPT', ['FLUSH']],
    ['api', 'ACL', ['LIST']],
    ['api', 'GET', ['other:key']],
    ['workers', 'FLUSHDB', []],
    ['workers', 'SHUTDOWN', ['NOSAVE']],
    ['workers', 'SET', ['other:key', '1']],
    ['workers', 'PUBLISH', ['other', '1']],
    ['workers', 'EVAL', ["return redis.call('get', 'other:key')", '1', 'ocq:a']],
    ['admin', 'SET', ['ocq:a', '1']],
    ['admin', 'SET', ['ocq:q:maintenance:a', '1']],
    ['admin', 'ZREM', ['ocq:q:interactive:prioritized', 'a']],
    ['admin', 'ZADD', ['ocq:q:interactive:failed', '1', 'a']],
    ['admin', 'LPUSH', ['ocq:q:interactive:active', 'a']],
    ['admin', 'HSET', ['ocq:q:interactive:a', 'data', '{}']],
    ['admin', 'DEL', ['ocq:log:req']],
    ['admin', 'HSET', ['ocq:started', 'interactive', '1']],
    ['admin', 'ZADD', ['other:q:maintenance:failed', '1', 'a']],
    ['admin', 'EVAL', ["return redis.call('set', KEYS[1], 'x')", '1', 'ocq:q:a']],
    ['admin', 'EVAL', ["return redis.call('del', 'ocq:log:req')", '1', 'ocq:q:a']],
    ['admin', 'EVAL', ["return redis.call('lpush', 'ocq:other', 'x')", '1', 'ocq:q:a']],
    ['admin', 'FLUSHALL', []],
    ['admin', 'KEYS', ['*']],
    ['admin', 'SCRIPT', ['FLUSH']],
    ['admin', 'CLIENT', ['LIST']],
  ])('refuses %s the command %s %j', async (role, command, args) => {
    const client = await ready(role);
    await expect(client.call(command, ...args)).rejects.toThrow(
      /NOPERM|No permissions|ACL failure|can't access|can't run this command|no permissions/i,
    );
  });

  it('refuses anybody without a password, and a wrong one', async () => {
    expect(await sayPlainly('PING')).toMatch(/^-NOAUTH/);
    expect(await sayPlainly('AUTH api wrong')).toMatch(/^-WRONGPASS/);
  });

  it('is healthy for the user that may only ping', () => {
    const health = spawnSync('sh', [path.join(root, 'docker/redis-health.sh')], {
      env: { PATH: process.env.PATH, SECRETS_DIR: secrets, PORT: String(port) },
    });
    expect(health.status).toBe(0);
  });

  it('keeps what is queued: append-only file, flushed every second, nothing evicted', () => {
    const text = readFileSync(path.join(root, 'docker/redis.conf'), 'utf8');
    expect(text).toMatch(/^appendonly yes$/m);
    expect(text).toMatch(/^appendfsync everysec$/m);
    expect(text).toMatch(/^maxmemory-policy noeviction$/m);
  });
});
