import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { RequestDocument } from '../../src/models/request.ts';
import { createSandbox, type Listening } from '../../src/sandbox/server.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { upstreamCounts } from '../helpers/upstream.ts';

/** A second upstream that ignores the faults asked for in messages: what a healthy other provider is. */
const calm = createSandbox({});
const stores = useStores();
let listening: Listening;
let system: System;
let customer: Customer;
beforeAll(async () => {
  listening = await calm.listen(0);
  system = await startSystem(stores, {
    providers: { calm: `http://127.0.0.1:${listening.port}/v1` },
    env: { PROVIDER_FIRST_BYTE_MS: '3000', PROVIDER_IDLE_MS: '2500' },
  });
  customer = await system.customer();
});
afterAll(async () => {
  await system.stop();
  await listening.close();
});

type Outcome = { row: RequestDocument; text: string; code: string | undefined; first: number; second: number };

async function call(script: string, stream: boolean, model = 'test/fallback'): Promise<Outcome> {
  const messages = [{ role: 'user' as const, content: `[[sandbox text=echo ${script}]] ответ есть` }];
  const client = customer.client();
  let requestId = '';
  let text = '';
  let code: string | undefined;
  try {
    if (stream) {
      const { data, request_id } = await client.chat.completions.create({ model, messages, stream }).withResponse();
      requestId = request_id ?? '';
      for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? '';
    } else {
      const { data, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
      requestId = request_id ?? '';
      text = data.choices[0]?.message.content ?? '';
    }
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    code = error.code ?? undefined;
    requestId ||= error.requestID ?? '';
  }
  const row = await eventually(async () => {
    const found = await requests().findOne({ _id: requestId, settled: true });
    if (!found) throw new Error('not settled yet');
    return found;
  });
  return {
    row,
    text,
    code,
    first: (await upstreamCounts(system.sandboxUrl, requestId)).count,
    second: calm.calls.countsOf(requestId).count,
  };
}

/** Five failures in a row would open the breaker, and then the first route would not be tried. */
async function healthy(): Promise<void> {
  expect(await call('', false)).toMatchObject({ text: 'ответ есть', first: 1, second: 0 });
}

describe('another route is tried when the first certainly did nothing', () => {
  test.each(['500', '502', '503', '529', '429', 'quota', '401', '402', '403', '404', '302'])(
    'after status fault %s: the client sees one answer, and pays once',
    async (fault) => {
      for (const stream of [false, true]) {
        const { row, text, code, first, second } = await call(`fault=${fault}`, stream);
        expect([text, code, first, second]).toEqual(['ответ есть', undefined, 1, 1]);
        expect(row).toMatchObject({ state: 'done', usageSource: 'provider', provider: { routeId: 'fallback/calm' } });
        expect(row.attempts.map(({ routeId, outcome }) => [routeId, outcome])).toEqual([
          ['fallback/first', expect.stringMatching(/^http_/)],
          ['fallback/calm', 'ok'],
        ]);
      }
      await healthy();
    },
  );

  test('after an error instead of an answer, with status 200', async () => {
    expect(await call('fault=error-body', false)).toMatchObject({ text: 'ответ есть', first: 1, second: 1 });
    await healthy();
  });

  test('after a connection that was refused', async () => {
    for (const stream of [false, true]) {
      const { row, text } = await call('', stream, 'test/two-routes');
      expect(text).toBe('ответ есть');
      expect(row.attempts.map(({ outcome }) => outcome)).toEqual(['connect', 'ok']);
    }
  });
});

describe('no other route is tried', () => {
  test.each<[string, string, string]>([
    ['cut-first', 'provider_error', 'connection_lost'],
    ['reset', 'provider_error', 'connection_lost'],
    ['504', 'provider_timeout', 'http_504'],
    ['408', 'provider_timeout', 'http_408'],
    ['html', 'provider_error', 'unexpected_body'],
    ['204', 'provider_error', 'unexpected_body'],
    ['gzip', 'provider_error', 'unexpected_encoding'],
  ])('when the provider may have worked already: %s', async (fault, expected, outcome) => {
    for (const stream of [false, true]) {
      const { row, text, code, first, second } = await call(`fault=${fault}`, stream);
      expect([text, code, first, second]).toEqual(['', expected, 1, 0]);
      expect(row).toMatchObject({ state: 'failed', costMicros: 0n });
      expect(row.attempts.map((attempt) => attempt.outcome)).toEqual([outcome]);
    }
    await healthy();
  });

  test.each(['400', '413', '422', 'context'])('when the request itself was refused: %s', async (fault) => {
    for (const stream of [false, true])
      expect(await call(`fault=${fault}`, stream)).toMatchObject({
        text: '',
        code: 'provider_rejected',
        first: 1,
        second: 0,
      });
  });

  test.each(['cut', 'error-chunk', 'error-event', 'error-done', 'garbage', 'reset-mid'])(
    'after the first byte was shown: %s',
    async (fault) => {
      const { text, code, first, second } = await call(`fault=${fault} after=1`, true);
      expect([text, first, second]).toEqual(['ответ', 1, 0]);
      expect(code).toBe(fault.startsWith('error-') ? 'provider_error' : 'interrupted');
      await healthy();
    },
  );
});

describe('a route that keeps failing', () => {
  test('is left alone for a while: its model answers 503 at once without a call, and works again when it does', async () => {
    for (let failure = 0; failure < 5; failure++)
      expect((await call('fault=500', false, 'test/echo')).code).toBe('provider_error');
    const during = await call('', false, 'test/echo');
    expect(during).toMatchObject({ code: 'provider_unavailable', first: 0 });
    expect(during.row).toMatchObject({ attempts: [], costMicros: 0n, state: 'failed' });
    await eventually(async () => expect((await call('', false, 'test/echo')).text).toBe('ответ есть'), {
      intervalMs: 250,
    });
    expect((await call('', false, 'test/echo')).text).toBe('ответ есть');
  });

  test('is skipped where there is another, which then takes every call', async () => {
    for (let failure = 0; failure < 5; failure++)
      expect(await call('fault=500', false)).toMatchObject({ first: 1, second: 1 });
    const { row, text, first, second } = await call('', false);
    expect([text, first, second]).toEqual(['ответ есть', 0, 1]);
    expect(row.attempts.map(({ routeId }) => routeId)).toEqual(['fallback/calm']);
    await eventually(async () => expect((await call('', false)).first).toBe(1), { intervalMs: 250 });
  });

  test('is not one whose clients send bad requests or leave', async () => {
    await healthy();
    for (let refusal = 0; refusal < 7; refusal++) expect((await call('fault=400', false)).first).toBe(1);
    await healthy();
  });
});

test('after all of this the books are in order and no upstream was called twice for one request', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  expect(calm.calls.totals().maxCallsPerRequest).toBe(1);
});

describe('an account that lets nothing go abroad', () => {
  let home: Customer;
  beforeAll(async () => {
    home = await system.customer();
    const answer = await home.fetch('/v1/account/privacy', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"domestic_only":true,"zero_retention":true}',
    });
    expect(await answer.json()).toEqual({ object: 'account.privacy', zero_retention: true, domestic_only: true });
    await eventually(async () => {
      const { data } = (await (await home.fetch('/v1/key')).json()) as { data: { zero_retention: boolean } };
      if (!data.zero_retention) throw new Error('not heard of yet');
    });
  });

  type Offered = { id: string; provider_countries: string[] };
  const messages = [{ role: 'user' as const, content: 'дома' }];

  test('goes by routes in Russia only, keeps nothing, and its row says where it went', async () => {
    const { request_id } = await home
      .client()
      .chat.completions.create({ model: 'test/fallback', messages })
      .withResponse();
    const row = await eventually(async () => {
      const found = await requests().findOne({ _id: request_id ?? '', settled: true });
      if (!found) throw new Error('not settled yet');
      return found;
    });
    expect(row.attempts.map(({ routeId, country }) => [routeId, country])).toEqual([['fallback/calm', 'RU']]);
    expect(row).toMatchObject({ domesticOnly: true });
    expect([row.input, row.result]).toEqual([undefined, undefined]);
  });

  test('is refused a model that is served abroad only, and is not offered it', async () => {
    await expect(home.client().chat.completions.create({ model: 'test/echo', messages })).rejects.toMatchObject({
      status: 403,
      code: 'cross_border_forbidden',
    });
    const offered = (await (await home.fetch('/v1/models')).json()) as { data: Offered[] };
    expect(offered.data.map(({ id, provider_countries }) => [id, provider_countries])).toEqual([
      ['test/fallback', ['RU']],
    ]);
    expect((await home.fetch('/v1/models/test/echo')).status).toBe(404);
    const elsewhere = (await (await customer.fetch('/v1/models/test/fallback')).json()) as Offered;
    expect(elsewhere.provider_countries).toEqual(['ZZ', 'RU']);
  });

  test('cannot be given a setting that does not exist', async () => {
    const answer = await home.fetch('/v1/account/privacy', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"domesticOnly":false}',
    });
    expect(answer.status).toBe(400);
  });
});
