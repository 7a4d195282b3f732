import { revokeKey } from '../auth/keys.ts';
import { AppError } from '../errors.ts';
import type { RequestDocument } from '../models/request.ts';
import { cancelRequest } from '../requests/cancel.ts';
import { findRequest } from '../requests/stored-answer.ts';
import { restartRow } from '../webhooks/delivery-rows.ts';
import { enableKeyWebhook } from '../webhooks/key-webhook.ts';
import { type Given, operation, withReason } from './define.ts';

/** Commands about keys, requests and what is told of them. */

async function cancelAnyRequest({ targetId, deps }: Given): Promise<void> {
  const request: RequestDocument | null | undefined = await findRequest(targetId);
  if (!request) throw new AppError('not_found');
  await cancelRequest(request.accountId, targetId, 'staff', deps.cancel);
}

/** Running processes notice within a second even when they cannot be told. */
async function enableWebhook({ targetId, deps }: Given): Promise<void> {
  await enableKeyWebhook(targetId);
  await deps.publishKey(targetId).catch(() => undefined);
}

/** Longer than any `WEBHOOK_OVERDUE_MS`, so that the next sweep enqueues it. */
const DUE_SINCE_MS = 3_600_000;

async function redeliver(deliveryId: string): Promise<void> {
  const result = await restartRow(deliveryId, DUE_SINCE_MS);
  if (result === 'not_found') throw new AppError('not_found');
  if (result === 'in_progress') throw new AppError('state_conflict', { message: 'It is being sent at this moment.' });
}

export const TRAFFIC_OPERATIONS = {
  'keys.revoke': operation('keys.revoke', 'key', withReason, async (_input, { targetId, deps }) => {
    const { told } = await revokeKey(targetId, deps.publishKey);
    return { told };
  }),
  'keys.enable-webhook': operation('requests.act', 'key', withReason, (_input, given) => enableWebhook(given)),
  'requests.cancel': operation('requests.act', 'req', withReason, (_input, given) => cancelAnyRequest(given)),
  'deliveries.redeliver': operation('requests.act', 'evt', withReason, (_input, { targetId }) => redeliver(targetId)),
};
