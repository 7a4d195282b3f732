import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { AiModel, Price, Provider } from '../../src/models/ai-model.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { ProviderKey, type ProviderKeyDocument } from '../../src/models/provider-key.ts';
import { toBytes } from '../../src/privacy/sealing.ts';
import { type Catalogue, openCatalogue } from '../../src/requests/catalogue.ts';
import { createProviderKeyStore, providerKeyEnd } from '../../src/requests/provider-keys.ts';
import { eventually } from '../helpers/eventually.ts';
import { useStores } from '../helpers/stores.ts';
import { give, person, providerKeys } from './desk.ts';

useStores();
const modelId = 'test/keyed';
const log = createLogger({ role: 'test', level: 'silent' });
const rates = {
  inputMicrosPerMillion: 1n,
  cachedInputMicrosPerMillion: 1n,
  cacheWriteMicrosPerMillion: 1n,
  outputMicrosPerMillion: 1n,
  reasoningMicrosPerMillion: 1n,
  requestMicros: 0n,
};
let catalogue: Catalogue;
const usedKey = () => catalogue.find(modelId)?.routes[0]?.target.apiKey;
const stored = () => nativeCollection<ProviderKeyDocument>(ProviderKey).findOne({ _id: 'keyed' });

beforeAll(async () => {
  await Provider.create({ _id: 'keyed', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', needsKey: true });
  await Price.create({ _id: newId('ppr'), modelId, version: 1, validFrom: new Date(0), ...rates });
  await AiModel.create({
    _id: modelId,
    name: 'Test',
    ownedBy: 'test',
    createdAt: new Date(),
    contextTokensMax: 8_000,
    outputTokensMax: 4_000,
    outputTokensDefault: 1_000,
    mediaPartTokensMax: 1_000,
    routes: [{ id: 'only', providerId: 'keyed', upstreamModel: 'a' }],
  });
  catalogue = await openCatalogue(new Map([['keyed', 'sk-configured']]), providerKeys, log);
});
afterAll(() => catalogue.close());

test('a key is set by an admin, replaced by an operator, used soon, and gives way to the configuration again', async () => {
  expect(usedKey()).toBe('sk-configured');
  const first = give(person('operator'), 'providers.set-key', 'keyed', { apiKey: 'sk-first-0001' });
  await expect(first).rejects.toHaveProperty('code', 'staff_forbidden');
  await give(person('admin'), 'providers.set-key', 'keyed', { apiKey: 'sk-first-0001' });
  await eventually(() => expect(usedKey()).toBe('sk-first-0001'));
  await give(person('operator'), 'providers.set-key', 'keyed', { apiKey: 'sk-second-0002' });
  await eventually(() => expect(usedKey()).toBe('sk-second-0002'));
  expect(await providerKeyEnd('keyed')).toBe('0002');
  const kept = [
    JSON.stringify(await AuditEntry.find({}).sort({ _id: 1 }).lean()),
    Buffer.from(toBytes((await stored())?.key ?? Buffer.of())),
  ];
  for (const one of kept) expect(one.toString('latin1' as never)).not.toMatch(/sk-/);
  await expect(give(person('operator'), 'providers.remove-key', 'keyed')).rejects.toHaveProperty(
    'code',
    'staff_forbidden',
  );
  await give(person('admin'), 'providers.remove-key', 'keyed');
  await eventually(() => expect(usedKey()).toBe('sk-configured'));
});

test.each(['short', 'sk-with space', 'sk-with\r\nheader: 1', 'ключ-из-букв'])('%j is no key', async (apiKey) => {
  const set = give(person('admin'), 'providers.set-key', 'keyed', { apiKey });
  await expect(set).rejects.toMatchObject({ code: 'invalid_request', param: 'apiKey' });
});

test('is sealed anew under a new master key, opens at its own provider only, and no older key stands in for it', async () => {
  const [old, fresh] = [Buffer.alloc(32, 9), Buffer.alloc(32, 8)];
  const both = createProviderKeyStore(
    new Map([
      [1, old],
      [2, fresh],
    ]),
  );
  await providerKeys.set('keyed', 'sk-third-0003', { by: 'anna', mayAdd: true });
  expect(await both.sealAnew()).toEqual({ changed: 1, unreadable: 0 });
  const only = createProviderKeyStore(new Map([[2, fresh]]));
  expect(await only.readAll()).toEqual(new Map([['keyed', 'sk-third-0003']]));
  const row = (await stored()) as ProviderKeyDocument;
  await nativeCollection<ProviderKeyDocument>(ProviderKey).insertOne({ ...row, _id: 'other' });
  expect((await only.readAll()).get('other')).toBeUndefined();
  // Under the old master key alone, the key does not open: its provider is left out.
  await eventually(() => expect(catalogue.find(modelId)).toBeUndefined());
});
