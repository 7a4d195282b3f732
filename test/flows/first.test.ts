import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type System, startSystem } from '../helpers/system.ts';

const stores = useStores();
let system: System;
beforeAll(async () => {
  system = await startSystem(stores);
});
afterAll(() => system.stop());

test('a plain and a streamed answer arrive and are paid exactly once', async () => {
  const customer = await system.customer({ rub: 10 });
  const client = customer.client();
  const plain = await client.chat.completions.create({
    model: 'test/echo',
    messages: [{ role: 'user', content: 'canary one' }],
  });
  expect(plain.choices[0]?.message.content).toBe('canary one');
  let text = '';
  for await (const chunk of await client.chat.completions.create({
    model: 'test/echo',
    stream: true,
    messages: [{ role: 'user', content: 'canary two' }],
  })) {
    text += chunk.choices[0]?.delta.content ?? '';
  }
  expect(text).toBe('canary two');
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  expect(await requests().countDocuments({ accountId: customer.accountId, state: 'done' })).toBe(2);
});
