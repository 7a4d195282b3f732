import { beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { AiModel, Price, Provider } from '../../src/models/ai-model.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Request } from '../../src/models/request.ts';
import { offerOf } from '../../src/requests/catalogue.ts';
import { placeSandbox } from '../../src/requests/catalogue-import.ts';
import { useStores } from '../helpers/stores.ts';
import { give, person } from './desk.ts';

useStores();
const admin = person('admin');
const operator = person('operator');
const LIMITS = {
  name: 'Made here',
  ownedBy: 'test',
  contextTokensMax: '8000',
  outputTokensMax: '4000',
  outputTokensDefault: '1000',
  mediaPartTokensMax: '0',
};
const ADDRESS = { baseUrl: 'https://models.example.com/v1/', needsKey: 'no' };
const WHERE = { upstreamModel: 'upstream', routePlace: '3', weight: '20', enabled: 'yes' };
let [modelId, provider, route] = ['', '', ''];

async function model() {
  const found = await AiModel.findById(modelId).lean();
  if (!found) throw new Error('the model is not there');
  return found;
}

const stored = () => Provider.findById(provider).lean();
const target = () => `${modelId} ${route}`;
const addRoute = (who = operator, more: Record<string, string> = {}) =>
  give(who, 'routes.add', modelId, { ...WHERE, version: '0', route, providerId: provider, ...more });

beforeEach(async () => {
  const mark = newId('evt').slice(4).toLowerCase();
  [modelId, provider, route] = [`made/${mark}`, `made_${mark}`, `route/${mark}`];
  await give(admin, 'providers.create', '', { ...ADDRESS, provider });
  await give(operator, 'models.create', '', { ...LIMITS, modelId });
});

it('a provider and a model are made switched off, once, and written down by their ids', async () => {
  expect(await stored()).toMatchObject({
    kind: 'openai-compatible',
    baseUrl: 'https://models.example.com/v1',
    country: 'ZZ',
    headers: {},
    needsKey: false,
    enabled: false,
  });
  expect(await model()).toMatchObject({ name: 'Made here', outputTokensMax: 4_000, enabled: false, routes: [] });
  const again = [
    give(admin, 'providers.create', '', { ...ADDRESS, provider }),
    give(operator, 'models.create', '', { ...LIMITS, modelId }),
  ];
  for (const one of again) await expect(one).rejects.toMatchObject({ code: 'state_conflict' });
  expect(await AuditEntry.countDocuments({ action: 'models.create', reason: `made: ${modelId}` })).toBe(1);
});

const ADDRESSES_REFUSED = [
  'http://models.example.com/v1',
  'https://127.0.0.1/v1',
  'https://2130706433/v1',
  'https://[::1]/v1',
  'https://metadata.google.internal/v1',
  'https://models.corp/v1',
  'https://models.example.com:6379/v1',
  'https://user:secret@models.example.com/v1',
  'https://models.example.com/v1?key=1',
  'https://models.example.com/v1#part',
  'file:///etc/passwd',
  'not an address',
];

/** What a command that is refused says about it; its code and the field. */
async function refusalOf(given: Promise<unknown>): Promise<string> {
  const { code, param } = (await given.then(
    () => ({}),
    (error: unknown) => error,
  )) as Record<string, string>;
  return `${code} ${param}`;
}

describe('an address', () => {
  it('is https with a public name, of a new provider and of a changed one', async () => {
    for (const baseUrl of ADDRESSES_REFUSED) {
      const created = give(admin, 'providers.create', '', { ...ADDRESS, baseUrl, provider: `${provider}_x` });
      expect([baseUrl, await refusalOf(created)]).toEqual([baseUrl, 'invalid_request baseUrl']);
      const changed = give(admin, 'providers.change', provider, { ...ADDRESS, baseUrl, version: '0' });
      expect([baseUrl, await refusalOf(changed)]).toEqual([baseUrl, 'invalid_request baseUrl']);
    }
    expect((await stored())?.baseUrl).toBe('https://models.example.com/v1');
  });

  it('from the configuration stays as it is while something else is changed', async () => {
    await Provider.updateOne({ _id: provider }, { $set: { baseUrl: 'http://10.0.0.7:8000/v1' } });
    const more = { baseUrl: 'http://10.0.0.7:8000/v1', country: 'RU', headers: 'x-data-logging-enabled: false\n' };
    await give(admin, 'providers.change', provider, { ...ADDRESS, ...more, version: '0' });
    expect(await stored()).toMatchObject({
      baseUrl: 'http://10.0.0.7:8000/v1',
      country: 'RU',
      headers: { 'x-data-logging-enabled': 'false' },
      version: 1,
    });
  });

  it('goes with headers that are set and taken away one by one', async () => {
    await give(admin, 'providers.change', provider, { ...ADDRESS, headers: 'x-a: 1\nx-b: two words', version: '0' });
    await give(admin, 'providers.change', provider, { ...ADDRESS, headers: 'x-a:\n x-c : 3', version: '1' });
    await give(admin, 'providers.change', provider, { ...ADDRESS, version: '2' });
    expect((await stored())?.headers).toEqual({ 'x-b': 'two words', 'x-c': '3' });
  });

  it('is not for operators: the key and the texts of customers go there', async () => {
    const changed = give(operator, 'providers.change', provider, { ...ADDRESS, version: '0' });
    await expect(changed).rejects.toMatchObject({ code: 'staff_forbidden' });
  });
});

it('no header belongs to the call itself or to the key', async () => {
  for (const headers of ['authorization: x', 'host: elsewhere', 'api-key: x', 'x bad: y', 'no colon', 'x-long: ж']) {
    const changed = give(admin, 'providers.change', provider, { ...ADDRESS, headers, version: '0' });
    expect([headers, await refusalOf(changed)]).toEqual([headers, expect.stringMatching(/^invalid_request headers/)]);
  }
});

it('a model is refused whose limits do not fit, and the field is named', async () => {
  const wrong = [
    ['outputTokensMax', '8001'],
    ['outputTokensDefault', '4001'],
    ['contextTokensMax', '0'],
    ['contextTokensMax', '1e3'],
    ['contextTokensMax', '999999999'],
    ['name', ''],
    ['enabled', 'yes'],
  ] as const;
  for (const [name, value] of wrong) {
    const changed = give(operator, 'models.change', modelId, { ...LIMITS, version: '0', [name]: value });
    expect([value, await refusalOf(changed)]).toEqual([value, `invalid_request ${name}`]);
  }
  expect(await model()).not.toHaveProperty('version');
});

describe('of two who change the same', () => {
  it('one is refused, also after a switch, and nothing of his is written', async () => {
    const given = ['First', 'Second'].map((name) =>
      give(operator, 'models.change', modelId, { ...LIMITS, name, version: '0' }),
    );
    const outcomes = await Promise.allSettled(given);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((one) => one.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'state_conflict', param: 'version' });
    await give(operator, 'models.enable', modelId);
    const late = give(operator, 'models.change', modelId, { ...LIMITS, name: 'Late', version: '1' });
    await expect(late).rejects.toMatchObject({ code: 'state_conflict', param: 'version' });
    await give(operator, 'models.change', modelId, { ...LIMITS, name: 'Third', version: '2' });
    expect(await model()).toMatchObject({ name: 'Third', enabled: true, version: 3 });
  });

  it('providers and routes are told apart by their versions, too', async () => {
    await give(operator, 'providers.enable', provider);
    const stale = { code: 'state_conflict', param: 'version' };
    const changed = give(admin, 'providers.change', provider, { ...ADDRESS, version: '0' });
    await expect(changed).rejects.toMatchObject(stale);
    await addRoute();
    await give(operator, 'models.set-weight', modelId, { route, weight: '1' });
    const rewritten = { ...WHERE, providerId: provider, version: '1' };
    await expect(give(operator, 'routes.change', target(), rewritten)).rejects.toMatchObject(stale);
    await expect(give(operator, 'routes.remove', target(), { version: '1' })).rejects.toMatchObject(stale);
  });
});

describe('a route', () => {
  it('is added, changed with its quirks, and no other with it', async () => {
    await addRoute();
    await addRoute(operator, { version: '1', route: `${route}/second` });
    const quirks = { maxTokensParam: 'max_completion_tokens', noStreamOptions: 'yes', dropParams: 'user, seed' };
    const changed = { ...WHERE, ...quirks, providerId: provider, upstreamModel: 'newer', weight: '0', version: '2' };
    await give(operator, 'routes.change', target(), changed);
    expect((await model()).routes).toMatchObject([
      {
        id: route,
        upstreamModel: 'newer',
        priority: 3,
        weight: 0,
        quirks: { maxTokensParam: 'max_completion_tokens', noStreamOptions: true, dropParams: ['user', 'seed'] },
        addedAt: expect.any(Date),
      },
      { id: `${route}/second`, upstreamModel: 'upstream', weight: 20, quirks: {} },
    ]);
  });

  it('leads to a provider that is there, by an id that no route of any model has', async () => {
    await expect(addRoute(operator, { providerId: 'nowhere' })).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'providerId',
    });
    await addRoute();
    await give(operator, 'models.create', '', { ...LIMITS, modelId: `${modelId}/other` });
    const more = { ...WHERE, version: '0', route, providerId: provider };
    const second = give(operator, 'routes.add', `${modelId}/other`, more);
    await expect(second).rejects.toMatchObject({ code: 'state_conflict', param: 'route' });
  });

  it('states a country only by an admin, and does not take it along to another provider', async () => {
    await expect(addRoute(operator, { country: 'RU' })).rejects.toMatchObject({ code: 'staff_forbidden' });
    await addRoute(admin, { country: 'RU' });
    await give(admin, 'providers.create', '', { ...ADDRESS, provider: `${provider}_us`, country: 'US' });
    const move = { ...WHERE, version: '1', country: 'RU', providerId: `${provider}_us` };
    await expect(give(operator, 'routes.change', target(), move)).rejects.toMatchObject({ code: 'staff_forbidden' });
    await give(operator, 'routes.change', target(), { ...move, providerId: provider, weight: '1' });
    expect((await model()).routes).toMatchObject([{ country: 'RU', providerId: provider, weight: 1 }]);
  });

  it('is removed when it is off and no request names it; any other stays', async () => {
    await addRoute();
    const remove = (version: string) => give(operator, 'routes.remove', target(), { version });
    await expect(remove('1')).rejects.toMatchObject({ code: 'state_conflict', param: null });
    await give(operator, 'models.route', modelId, { route, enabled: 'no', routePlace: '0' });
    const requests = nativeCollection<{ _id: string; model: string; attempts: object[] }>(Request);
    const requestId = newId('req');
    await requests.insertOne(
      { _id: requestId, model: modelId, attempts: [{ routeId: route }] },
      { bypassDocumentValidation: true },
    );
    await expect(remove('2')).rejects.toMatchObject({ code: 'state_conflict', param: null });
    await requests.deleteOne({ _id: requestId });
    await give(operator, 'routes.remove', target(), { version: '2' });
    expect((await model()).routes).toEqual([]);
  });
});

it('a model is offered when it has a route, a price in force, and is on', async () => {
  const offer = () => offerOf(modelId, new Date());
  await addRoute();
  expect(await offer()).toBe('unrouted');
  await give(operator, 'providers.enable', provider);
  expect(await offer()).toBe('unpriced');
  const rates = {
    inputMicrosPerMillion: 1n,
    cachedInputMicrosPerMillion: 1n,
    cacheWriteMicrosPerMillion: 1n,
    outputMicrosPerMillion: 1n,
    reasoningMicrosPerMillion: 1n,
    requestMicros: 0n,
  };
  await Price.create({ _id: newId('ppr'), modelId, version: 1, validFrom: new Date('2999-01-01'), ...rates });
  expect(await offer()).toBe('unpriced');
  await Price.create({ _id: newId('ppr'), modelId, version: 2, validFrom: new Date(0), ...rates });
  expect(await offer()).toBe('off');
  await give(operator, 'models.enable', modelId);
  expect(await offer()).toBe('offered');
});

it('the sandbox is where the environment says, and on only if nobody has turned it off', async () => {
  await Provider.deleteOne({ _id: 'sandbox' });
  await Provider.create({
    _id: 'sandbox',
    kind: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:1/v1',
    needsKey: false,
  });
  const sandbox = () => Provider.findById('sandbox').lean();
  await placeSandbox(undefined);
  expect(await sandbox()).toMatchObject({ enabled: false });
  await placeSandbox('http://127.0.0.1:2/v1');
  expect(await sandbox()).toMatchObject({ enabled: true, baseUrl: 'http://127.0.0.1:2/v1' });
  await give(operator, 'providers.disable', 'sandbox');
  await placeSandbox('http://127.0.0.1:3/v1');
  expect(await sandbox()).toMatchObject({ enabled: false, baseUrl: 'http://127.0.0.1:3/v1' });
  const moved = give(admin, 'providers.change', 'sandbox', { ...ADDRESS, version: '1' });
  await expect(moved).rejects.toMatchObject({ code: 'state_conflict', param: 'baseUrl' });
});
