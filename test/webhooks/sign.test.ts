import { describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, signWebhook, type WebhookHeaders } from '../../src/webhooks/sign.ts';

const deliveryId = 'evt_01jdh3v6k8q2w5r7t9y0z1x2c3';
const body = '{"id":"evt_01jdh3v6k8q2w5r7t9y0z1x2c3","object":"event","data":{"text":"привет 🐆"}}';
const openai = new OpenAI({ apiKey: 'unused' });

type Check = (text: string, headers: WebhookHeaders, secret: string) => Promise<unknown>;
const checks: readonly (readonly [string, Check])[] = [
  ['standardwebhooks', async (text, headers, secret) => new Webhook(secret).verify(text, headers)],
  ['openai webhooks.unwrap()', (text, headers, secret) => openai.webhooks.unwrap(text, headers, secret)],
];

/** Every text that differs from `text` by one bit of one of its bytes and is still text. */
function oneBitOff(text: string): string[] {
  const bytes = Buffer.from(text);
  const changed: string[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    changed.push(copy.toString());
  }
  return changed;
}

/** Every signature whose bytes differ by one bit. */
function signaturesOff(header: string): string[] {
  const bytes = Buffer.from(header.slice('v1,'.length), 'base64');
  return Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return `v1,${copy.toString('base64')}`;
  });
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

test('a secret is whsec_ and 32 random bytes', () => {
  const secret = newWebhookSecret();
  expect(secret).toMatch(/^whsec_[0-9A-Za-z+/]{43}=$/);
  expect(newWebhookSecret()).not.toBe(secret);
});

test('nothing is sent unsigned', () => {
  expect(() => signWebhook({ deliveryId, at: new Date(), body, secrets: [] })).toThrow('secret');
});
