import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { Delivery } from '../../src/models/delivery.ts';
import { useStores } from '../helpers/stores.ts';
import { createKey, createRequest, createWorker, MASTER_KEY, readRow } from './fixture.ts';
import { closeReceivers, startReceiver } from './receiver.ts';

const stores = useStores();
const run = promisify(execFile);

afterEach(closeReceivers);

type Ended = { stdout: string; stderr: string; code: number };

/** Runs the command line as an operator does. */
async function webhook(...words: string[]): Promise<Ended> {
  const environment = {
    PATH: process.env.PATH,
    OCELOTIQ_MODE: 'evaluation',
    MASTER_KEYS: `1:${MASTER_KEY.toString('base64')}`,
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    KEY_PEPPER: MASTER_KEY.toString('base64'),
  };
  const args = ['--import', 'tsx', 'scripts/webhook.ts', ...words];
  try {
    return { ...(await run(process.execPath, args, { env: environment })), code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as Ended;
    return { stdout, stderr, code };
  }
}

test('an operator lists deliveries, reads the log of one without its path, and has it sent again', async () => {
  const receiver = await startReceiver((response, _, count) => response.writeHead(count === 1 ? 404 : 200).end());
  const key = await createKey({ url: `${receiver.url}/secret-token` });
  const worker = createWorker({ retryDelaysMs: [] });
  const deliveryId = (await worker.createFor(await createRequest(key))) ?? '';
  const other = (await worker.createFor(await createRequest(await createKey({ url: receiver.url })))) ?? '';
  expect(await worker.attempt(deliveryId)).toBe('failed');

  const [listed, shown] = await Promise.all([
    webhook('list', '--account', key.accountId, '--state', 'failed'),
    webhook('show', deliveryId),
  ]);
  expect(listed.stderr).toBe('');
  expect(listed.stdout).toContain(deliveryId);
  expect(listed.stdout).not.toContain(other);
  expect(shown.stdout).toContain(`http://127.0.0.1:${receiver.port}/...`);
  expect(shown.stdout).toMatch(/http +404 +\d+/);
  expect(shown.stdout).not.toContain('secret-token');

  expect((await webhook('redeliver', deliveryId)).stdout).toContain('will be sent again');
  expect((await worker.sweep()).enqueued).toBe(1);
  expect(await worker.attempt(deliveryId)).toBe('delivered');
  expect((await readRow(deliveryId)).attempts.map(({ status }) => status)).toEqual([404, 200]);
});

test('a wrong command line is explained and changes nothing', async () => {
  const [unknown, noId, missing] = await Promise.all([
    webhook('resend'),
    webhook('redeliver', 'evt_1'),
    webhook('redeliver', 'evt_00000000000000000000000000'),
  ]);
  expect([unknown.code, noId.code, missing.code]).toEqual([2, 2, 1]);
  expect(unknown.stderr).toContain('Usage:');
  expect(missing.stderr).toContain('does not exist');
  expect(await Delivery.countDocuments({ state: 'pending', attempt: 0 })).toBe(1);
});
