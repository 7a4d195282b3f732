import { beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { AiModel, Price, Provider } from '../../src/models/ai-model.ts';
import { useStores } from '../helpers/stores.ts';
import { give, type Person, person } from './desk.ts';

useStores();
const DAY_MS = 86_400_000;
let modelId = '';

const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

async function proposed(who: Person, validFrom: string, more: Record<string, string> = {}): Promise<string> {
  const { madeId = '' } = await give(who, 'prices.propose', '', {
    modelId,
    input: '100',
    output: '400,5',
    validFrom,
    ...more,
  });
  return madeId;
}

beforeEach(async () => {
  modelId = `test/${newId('evt')}`;
  await AiModel.create({
    _id: modelId,
    name: 'Test',
    ownedBy: 'test',
    createdAt: new Date(),
    contextTokensMax: 8_000,
    outputTokensMax: 4_000,
    outputTokensDefault: 1_000,
    mediaPartTokensMax: 1_000,
    routes: [
      { id: 'first', providerId: 'one', upstreamModel: 'a' },
      { id: 'second', providerId: 'two', upstreamModel: 'b', priority: 5 },
    ],
  });
});

describe('a price', () => {
  it('becomes a version once, when a second person approves it', async () => {
    const id = await proposed(person('finance'), inDays(1));
    expect(await Price.countDocuments({ modelId })).toBe(0);
    const admin = person('admin');
    await Promise.all([give(admin, 'prices.approve', id), give(admin, 'prices.approve', id)]);
    const found = await Price.find({ modelId }).lean();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      _id: id,
      version: 1,
      inputMicrosPerMillion: 100_000_000n,
      cachedInputMicrosPerMillion: 100_000_000n,
      outputMicrosPerMillion: 400_500_000n,
      reasoningMicrosPerMillion: 400_500_000n,
      requestMicros: 0n,
    });
  });

  it('is not approved by who proposed it, even as an admin by then', async () => {
    const who = person('finance');
    const id = await proposed(who, inDays(1));
    await expect(give({ ...who, role: 'admin' }, 'prices.approve', id)).rejects.toMatchObject({
      code: 'second_person_needed',
    });
    expect(await Price.countDocuments({ modelId })).toBe(0);
  });

  it('begins after the ones there are, and in the future', async () => {
    const [later, earlier] = [
      await proposed(person('finance'), inDays(3)),
      await proposed(person('finance'), inDays(2)),
    ];
    await give(person('admin'), 'prices.approve', later);
    await expect(give(person('admin'), 'prices.approve', earlier)).rejects.toMatchObject({ code: 'state_conflict' });
    await expect(proposed(person('finance'), inDays(-1))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await Price.countDocuments({ modelId })).toBe(1);
  });

  it('that was rejected never becomes valid', async () => {
    const who = person('finance');
    const id = await proposed(who, inDays(1));
    await expect(give(person('finance'), 'prices.reject', id)).rejects.toMatchObject({ code: 'staff_forbidden' });
    await give(who, 'prices.reject', id);
    await expect(give(person('admin'), 'prices.approve', id)).rejects.toMatchObject({ code: 'state_conflict' });
  });

  it.each([{ input: '-1' }, { input: '1e9' }, { input: '999999999999' }, { validFrom: 'tomorrow' }, { version: '9' }])(
    'with %j is refused',
    async (more) => {
      await expect(proposed(person('finance'), inDays(1), more)).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );
});

it('a route is turned off and moved, and no other with it', async () => {
  await give(person('operator'), 'models.route', modelId, { route: 'first', enabled: 'no', routePlace: '9' });
  const routes = (await AiModel.findById(modelId).lean())?.routes;
  expect(routes).toMatchObject([
    { id: 'first', enabled: false, priority: 9 },
    { id: 'second', enabled: true, priority: 5 },
  ]);
  const unknown = give(person('operator'), 'models.route', modelId, { route: 'third', enabled: 'no', routePlace: '9' });
  await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
});

it('a route gets its weight, from 0 to 100, and no other with it', async () => {
  await give(person('operator'), 'models.set-weight', modelId, { route: 'first', weight: '75' });
  expect((await AiModel.findById(modelId).lean())?.routes).toMatchObject([
    { id: 'first', weight: 75, priority: 0 },
    { id: 'second', weight: 0, priority: 5 },
  ]);
  for (const weight of ['101', '-1', '1.5', '', 'many'])
    await expect(
      give(person('operator'), 'models.set-weight', modelId, { route: 'first', weight }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(
    give(person('admin'), 'models.set-weight', modelId, { route: 'third', weight: '1' }),
  ).rejects.toMatchObject({ code: 'not_found' });
  await expect(
    give(person('auditor'), 'models.set-weight', modelId, { route: 'first', weight: '1' }),
  ).rejects.toMatchObject({ code: 'staff_forbidden' });
});

it('models and providers are turned off and on', async () => {
  await Provider.create({ _id: 'switched', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' });
  await give(person('operator'), 'models.disable', modelId);
  await give(person('admin'), 'providers.disable', 'switched');
  expect((await AiModel.findById(modelId).lean())?.enabled).toBe(false);
  expect((await Provider.findById('switched').lean())?.enabled).toBe(false);
  await give(person('admin'), 'models.enable', modelId);
  expect((await AiModel.findById(modelId).lean())?.enabled).toBe(true);
});
