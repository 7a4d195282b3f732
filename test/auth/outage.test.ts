import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import mongoose from 'mongoose';
import { AppError } from '../../src/errors.ts';
import { connectMongo, disconnectMongo, migrate } from '../../src/models/connect.ts';
import { bearer, type Desk, issue, openDesk } from './desk.ts';
import { openWire, until, type Wire } from './wire.ts';

const name = `test_${randomBytes(6).toString('hex')}`;
const stores = {
  mongoUri: process.env.TEST_MONGODB_URI ?? '',
  redisUrl: process.env.TEST_REDIS_URL ?? '',
  database: name,
  prefix: name,
};
let wire: Wire;
let desk: Desk;
let atMs = 0;

beforeAll(async () => {
  const direct = new MongoClient(stores.mongoUri);
  const { host, port } = (await direct.connect()).options.hosts[0] ?? {};
  await direct.close();
  wire = await openWire({ host: host ?? '127.0.0.1', port: port ?? 27_017 });
  const uri = `mongodb://127.0.0.1:${wire.port}/?directConnection=true`;
  await connectMongo({ uri, database: stores.database, poolMax: 5 });
  await migrate();
  desk = await openDesk(stores, { monotonic: () => atMs });
});

afterAll(async () => {
  wire.mend();
  await desk.leave();
  await mongoose.connection.dropDatabase();
  await disconnectMongo();
  await wire.close();
});

describe.each(['cut', 'freeze'] as const)('MongoDB behind a line that does this: %s', (trouble) => {
  test('a key works until 900 ms after its last read, then the answer is unavailable, and all is well once the line is', async () => {
    const [warm, cold] = [await issue(), await issue()];
    const codeOf = ({ key }: typeof warm) =>
      desk.authenticate(bearer(key)).then(
        () => 'ok',
        (error: unknown) => (error instanceof AppError ? error.code : 'no AppError'),
      );
    expect(await codeOf(warm)).toBe('ok');
    wire[trouble]();

    const started = performance.now();
    const coldCode = codeOf(cold);
    atMs += 899;
    expect(await codeOf(warm)).toBe('ok');
    atMs += 1;
    expect(await codeOf(warm)).toBe('unavailable');
    expect(await coldCode).toBe('unavailable');
    expect(performance.now() - started).toBeLessThan(5_000);

    wire.mend();
    await until(async () => (await codeOf(cold)) === 'ok', 30_000);
    expect(await codeOf(warm)).toBe('ok');
  });
});
