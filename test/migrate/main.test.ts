import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { AiModel, Provider } from '../../src/models/ai-model.ts';
import { startBuilt } from '../helpers/built-process.ts';
import { useStores } from '../helpers/stores.ts';

const stores = useStores();
const secrets = {
  KEY_PEPPER: randomBytes(32).toString('base64'),
  MASTER_KEYS: `1:${randomBytes(32).toString('base64')}`,
};

async function migrateOnce(more: Record<string, string>): Promise<void> {
  const migration = startBuilt('migrate', {
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    ...secrets,
    ...more,
  });
  const code = await migration.ended;
  if (code !== 0) throw new Error(`migration ended with ${code}: ${migration.output()}`);
}

const evaluation = { OCELOTIQ_MODE: 'evaluation', SANDBOX_URL: 'http://127.0.0.1:8123/v1' };

describe('the migration', () => {
  it('makes collections, indexes and the first catalogue, and may run again', async () => {
    await mongoose.connection.dropDatabase();
    await migrateOnce(evaluation);
    const collections = await mongoose.connection.listCollections();
    expect(collections.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['accounts', 'requests', 'ledger', 'models']),
    );
    expect(await AiModel.countDocuments()).toBeGreaterThan(0);
    await migrateOnce(evaluation);
  });

  it('leaves a catalogue alone that an operator has changed', async () => {
    await migrateOnce(evaluation);
    const [model] = await AiModel.find().limit(1).lean();
    if (!model) throw new Error('no model was imported');
    await AiModel.deleteMany({ _id: { $ne: model._id } });
    await AiModel.updateOne({ _id: model._id }, { name: 'changed by hand' });
    await migrateOnce(evaluation);
    expect((await AiModel.find().lean()).map(({ name }) => name)).toEqual(['changed by hand']);
  });

  it('sends nothing to a sandbox in production, and to its address where there is one', async () => {
    await migrateOnce(evaluation);
    expect(await Provider.findById('sandbox').lean()).toMatchObject({ baseUrl: evaluation.SANDBOX_URL, enabled: true });
    await migrateOnce({ OCELOTIQ_MODE: 'production' });
    expect(await Provider.findById('sandbox').lean()).toMatchObject({ enabled: false });
  });
});
