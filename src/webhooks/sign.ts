import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** Standard Webhooks signatures: what `standardwebhooks` and the `openai` SDK's `webhooks.unwrap()` verify. */

const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const SECRETS_MAX = 5;

export type WebhookHeaders = {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
};

/** A new signing secret, `whsec_` and 32 random bytes in base64. Shown to its owner once, stored encrypted. */
export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/**
 * The three headers of one attempt. Several secrets (while one is being replaced) give several signatures, any of which
 * satisfies a receiver; at most the first five are used.
 * @param deliveryId becomes `webhook-id`: the same for every attempt, so that a receiver can drop repeats.
 * @param at the time of this attempt; receivers refuse what is more than five minutes off.
 * @throws when there is no secret, or one is not base64.
 */
export function signWebhook(options: {
  deliveryId: string;
  at: Date;
  body: string;
  secrets: readonly string[];
}): WebhookHeaders {
  const { deliveryId, at, body, secrets } = options;
  if (secrets.length === 0) throw new Error('a webhook cannot be signed without a secret');
  const signatures = secrets.slice(0, SECRETS_MAX).map((secret) => new Webhook(secret).sign(deliveryId, at, body));
  return {
    'webhook-id': deliveryId,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
  };
}
