import { crashPoint } from '../crash-point.ts';
import type { Logger } from '../log.ts';
import type { DeliveryDocument } from '../models/delivery.ts';
import { type AttemptRecord, type ClaimedDelivery, ended, putBack, scheduled } from './delivery-rows.ts';
import type { DeliveryWriter } from './delivery-writer.ts';
import { disableKeyWebhook, type KeyWebhook, keyWebhook, usableUrl } from './key-webhook.ts';
import { type AttemptResult, type NextStep, nextStep, type PreparationFailure } from './schedule.ts';
import { type Open, openText, sealedAt } from './sealed.ts';
import type { WebhookSender } from './send.ts';
import { signWebhook } from './sign.ts';

/** One attempt at a delivery: claim, prepare, send, record, and what comes next. */

export type AttemptOptions = {
  sender: Pick<WebhookSender, 'send'>;
  writer: Pick<DeliveryWriter, 'claim' | 'release'>;
  open: Open;
  /** The event's JSON text. Called for every attempt; should give the same text for as long as the content exists. */
  buildEvent: (delivery: DeliveryDocument) => Promise<string>;
  retryDelaysMs: readonly number[];
  /** In [0, 1); for tests. */
  random?: () => number;
  enqueue: (deliveryId: string, delayMs: number) => Promise<void>;
  log: Pick<Logger, 'info' | 'warn'>;
};

/** `skipped`: not due, held by another worker, or already ended. `put_back`: not tried, will be soon. */
export type AttemptOutcome = 'delivered' | 'retry' | 'failed' | 'disabled' | 'put_back' | 'skipped';

type Letter = { url: string; headers: Readonly<Record<string, string>>; body: string };

/**
 * Gives the function that makes one attempt, if the delivery is due and nobody else is at it. It rejects only when the
 * database fails; the lease then runs out and the sweeper has it repeated.
 */
export function createAttempt(options: AttemptOptions): (deliveryId: string) => Promise<AttemptOutcome> {
  const { sender, writer, open, buildEvent, retryDelaysMs, random = Math.random, enqueue, log } = options;

  /** A key's deliveries follow the key's URL as it is now; a request's own URL was copied into the row. */
  function urlOf(
    { _id, accountId, keyId, fromKey, url }: ClaimedDelivery,
    webhook: KeyWebhook | undefined,
  ): Promise<string> {
    if (fromKey && webhook?.url) return openText(open, accountId, sealedAt.keyUrl(keyId), webhook.url);
    return openText(open, accountId, sealedAt.deliveryUrl(_id), url);
  }

  async function prepare(
    delivery: ClaimedDelivery,
    webhook: KeyWebhook | undefined,
  ): Promise<Letter | PreparationFailure> {
    const { _id: deliveryId, accountId, keyId } = delivery;
    let failure: PreparationFailure = 'unreadable';
    try {
      const url = await urlOf(delivery, webhook);
      const sealedSecrets = webhook?.secrets ?? [];
      if (sealedSecrets.length === 0) return 'no_secret';
      const secrets = await Promise.all(
        sealedSecrets.map((sealed) => openText(open, accountId, sealedAt.keySecret(keyId), sealed)),
      );
      failure = 'event_failed';
      const body = await buildEvent(delivery);
      return { url, body, headers: signWebhook({ deliveryId, at: new Date(), body, secrets }) };
    } catch (error) {
      log.warn({ deliveryId, err: error, reason: failure }, 'webhook not ready to send');
      return failure;
    }
  }

  async function tryOnce(delivery: ClaimedDelivery, webhook: KeyWebhook | undefined): Promise<AttemptResult> {
    const letter = await prepare(delivery, webhook);
    if (typeof letter === 'string') return { outcome: letter, ms: 0 };
    return sender.send(letter.url, letter.headers, letter.body);
  }

  /** Writes what the step says. False when the row is no longer ours: whoever has it now decides. */
  async function write(delivery: ClaimedDelivery, record: AttemptRecord, step: NextStep): Promise<boolean> {
    switch (step.action) {
      case 'delivered':
        return writer.release(delivery, ended(record, 'delivered'));
      case 'disable':
        return writer.release(delivery, ended(record, 'disabled'));
      case 'fail':
        return writer.release(delivery, ended(record, 'failed'));
      case 'retry':
        return writer.release(delivery, scheduled(record, step.delayMs));
      case 'put_back':
        return writer.release(delivery, putBack(delivery, step.delayMs));
    }
  }

  return async (deliveryId) => {
    const delivery = await writer.claim(deliveryId);
    if (!delivery) return 'skipped';
    const { attempt, fromKey, keyId } = delivery;
    const webhook = await keyWebhook(keyId);
    if (fromKey && !usableUrl(webhook)) {
      return (await writer.release(delivery, ended({ outcome: 'disabled', ms: 0 }, 'disabled')))
        ? 'disabled'
        : 'skipped';
    }
    crashPoint('webhook.before_send');
    const result = await tryOnce(delivery, webhook);
    crashPoint('webhook.after_send');
    const { outcome, status, ms } = result;
    const record: AttemptRecord = { outcome, ms, ...(status === undefined ? {} : { status }) };
    log.info({ deliveryId, attempt, code: outcome, status, ms }, 'webhook attempt');
    const step = nextStep({ result, attempt, retryDelaysMs, random: random() });
    if (step.action === 'disable' && fromKey && webhook?.url) await disableKeyWebhook(keyId, webhook.url, 'gone');
    if (!(await write(delivery, record, step))) return 'skipped';
    crashPoint('webhook.after_mark');
    if ('delayMs' in step) await enqueue(deliveryId, step.delayMs);
    return OUTCOME_OF[step.action];
  };
}

const OUTCOME_OF = {
  delivered: 'delivered',
  disable: 'disabled',
  fail: 'failed',
  retry: 'retry',
  put_back: 'put_back',
} as const satisfies Record<NextStep['action'], AttemptOutcome>;
