import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, signWebhook, type WebhookHeaders } from '../../src/webhooks/sign.ts';
import { runs } from '../helpers/property-runs.ts';

const deliveryId = 'evt_01jdh3v6k8q2w5r7t9y0z1x2c3';
const body = '{"id":"evt_01jdh3v6k8q2w5r7t9y0z1x2c3","object":"event","data":{"text":"привет 🐆"}}';
const openai = new OpenAI({ apiKey: 'unused' });

type Check = (text: string, headers: WebhookHeaders, secret: string) => Promise<unknown>;
const checks: readonly (readonly [string, Check])[] = [
  ['standardwebhooks', async (text, headers, secret) => new Webhook(secret).verify(text, headers)],
  ['openai webhooks.unwrap()', (text, headers, secret) => openai.webhooks.unwrap(text, headers, secret)],
];

function bitOff(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

/** Every text that differs from `text` by one bit of one of its bytes and is still text. */
function oneBitOff(text: string): string[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: bytes.length * 8 }, (_, bit) => bitOff(bytes, bit).toString());
}

/** Every signature whose bytes differ by one bit; of the header's text, `oneBitOff` changes the spelling too. */
function signaturesOff(header: string): string[] {
  const bytes = Buffer.from(header.slice('v1,'.length), 'base64');
  return Array.from({ length: bytes.length * 8 }, (_, bit) => `v1,${bitOff(bytes, bit).toString('base64')}`);
}

async function accepts(check: Check, text: string, headers: WebhookHeaders, secret: string): Promise<boolean> {
  try {
    await check(text, headers, secret);
    return true;
  } catch {
    return false;
  }
}

describe.each(checks)('%s', (_, check) => {
  const secret = newWebhookSecret();
  const headers = signWebhook({ deliveryId, at: new Date(), body, secrets: [secret] });

  test('accepts a signed event and gives its content', async () => {
    expect(await check(body, headers, secret)).toEqual(JSON.parse(body));
  });

  test('refuses an event with any one bit changed in body, id, timestamp or signature', async () => {
    const forged = [
      ...oneBitOff(body).map((text) => [text, headers] as const),
      ...oneBitOff(deliveryId).map((id) => [body, { ...headers, 'webhook-id': id }] as const),
      ...oneBitOff(headers['webhook-timestamp']).map((at) => [body, { ...headers, 'webhook-timestamp': at }] as const),
      ...signaturesOff(headers['webhook-signature']).map(
        (signature) => [body, { ...headers, 'webhook-signature': signature }] as const,
      ),
    ];
    const accepted = await Promise.all(forged.map(([text, changed]) => accepts(check, text, changed, secret)));
    expect(accepted.filter(Boolean)).toEqual([]);
    expect(accepted.length).toBeGreaterThan(1_000);
  });

  test('refuses another secret, and an attempt that is six minutes old', async () => {
    expect(await accepts(check, body, headers, newWebhookSecret())).toBe(false);
    const old = signWebhook({ deliveryId, at: new Date(Date.now() - 360_000), body, secrets: [secret] });
    expect(await accepts(check, body, old, secret)).toBe(false);
  });

  test('while a secret is replaced, the old and the new one both verify', async () => {
    const next = newWebhookSecret();
    const both = signWebhook({ deliveryId, at: new Date(), body, secrets: [next, secret] });
    expect(both['webhook-signature'].split(' ')).toHaveLength(2);
    expect(await accepts(check, body, both, secret)).toBe(true);
    expect(await accepts(check, body, both, next)).toBe(true);
  });
});

describe('any one bit of any event', () => {
  const parts = fc.record({
    deliveryId: fc.stringMatching(/^evt_[0-9a-z]{26}$/),
    body: fc.oneof(fc.json(), fc.string({ unit: 'grapheme' })),
    secrets: fc.array(fc.constantFrom(newWebhookSecret(), newWebhookSecret(), newWebhookSecret()), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  const place = fc.constantFrom('body', 'webhook-id', 'webhook-timestamp', 'webhook-signature');

  test('changed in the text of a header or in the body, refuses it, unless another signature still holds', () => {
    fc.assert(
      fc.property(parts, place, fc.nat(), (event, name, at) => {
        const { secrets } = event;
        const headers = signWebhook({ ...event, at: new Date() });
        const texts: Record<string, string> = { ...headers, body: event.body };
        const before = Buffer.from(texts[name] ?? '');
        fc.pre(before.length > 0);
        const bit = at % (before.length * 8);
        texts[name] = bitOff(before, bit).toString();
        for (const secret of new Set(secrets)) {
          const verify = () => new Webhook(secret).verify(texts.body ?? '', texts);
          const signatures = headers['webhook-signature'].split(' ');
          // The signatures whose text was not touched, nor the space before or after them.
          const length = signatures[0]?.length ?? 0;
          const [hit, inside] = [Math.floor((bit >> 3) / (length + 1)), (bit >> 3) % (length + 1)];
          const isWhole = (index: number) => index !== hit && !(inside === length && index === hit + 1);
          const holds = name === 'webhook-signature' && secrets.some((one, index) => one === secret && isWhole(index));
          if (!holds) expect(verify).toThrow();
        }
      }),
      runs(500),
    );
  });
});

test('a secret is whsec_ and 32 random bytes', () => {
  const secret = newWebhookSecret();
  expect(secret).toMatch(/^whsec_[0-9A-Za-z+/]{43}=$/);
  expect(newWebhookSecret()).not.toBe(secret);
});

test('nothing is sent unsigned', () => {
  expect(() => signWebhook({ deliveryId, at: new Date(), body, secrets: [] })).toThrow('secret');
});
