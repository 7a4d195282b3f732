import { type AttemptOptions, type AttemptOutcome, createAttempt } from './attempt.ts';
import { restartRow, takeOverdueRows } from './delivery-rows.ts';
import { createDeliveryWriter } from './delivery-writer.ts';
import { createOwed, type EndedRequest, type RequestMarks } from './owed.ts';
import type { Seal } from './sealed.ts';
import type { WebhookSender } from './send.ts';

/**
 * Webhook deliveries, from an ended request to an answer of its receiver. At least once: what was sent may be sent again
 * after a crash, always under the same `webhook-id`.
 */

export type DeliveriesOptions = Omit<AttemptOptions, 'enqueue' | 'sender' | 'writer'> & {
  sender: Pick<WebhookSender, 'send' | 'longestMs'>;
  seal: Seal;
  marks: RequestMarks;
  /** How long after it was due a delivery whose job has not come counts as lost. */
  overdueMs: number;
  /**
   * Has `attempt(deliveryId)` called after `delayMs`, by any worker. Losing a call, or making it twice, is harmless. It
   * is called from inside an attempt as well, so a job must not be identified by the delivery alone.
   */
  enqueueDelivery: (deliveryId: string, delayMs: number) => Promise<void>;
};

export type Deliveries = {
  /**
   * Creates and enqueues the delivery of an ended request; again and again is as good as once. Gives its id, or
   * `undefined` when nothing is owed: not ended, no URL, or the key's webhook is disabled.
   */
  createFor(request: EndedRequest): Promise<string | undefined>;
  /** One attempt, if it is due and nobody else makes it. */
  attempt(deliveryId: string): Promise<AttemptOutcome>;
  /** Finds what a crash left behind: requests that are owed a delivery, and deliveries whose job is gone. Bounded. */
  sweep(): Promise<{ created: number; enqueued: number }>;
  /** Operator's repeat of any delivery, from the start of the schedule. */
  redeliver(deliveryId: string): Promise<'pending' | 'in_progress' | 'not_found'>;
};

const OVERDUE_MAX = 200;
/** Room in a lease for what is not sending: reading the key, building the event, writing the result. */
const LEASE_MARGIN_MS = 15_000;

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { open, seal, marks, sender, log } = options;
  const writer = createDeliveryWriter(sender.longestMs + LEASE_MARGIN_MS);

  /** The sweeper repeats what an unreachable queue loses, so that is no reason to fail. */
  async function enqueue(deliveryId: string, delayMs: number): Promise<void> {
    try {
      await options.enqueueDelivery(deliveryId, delayMs);
    } catch (error) {
      log.warn({ deliveryId, err: error }, 'delivery not enqueued, left to the sweeper');
    }
  }

  const owed = createOwed({ open, seal, writer, marks, log, enqueue: (deliveryId) => enqueue(deliveryId, 0) });
  const attempt = createAttempt({ ...options, writer, enqueue });

  return {
    createFor: (request) => owed.createFor(request),
    attempt,
    sweep: async () => {
      const created = await owed.createBatch();
      const overdue = await takeOverdueRows(OVERDUE_MAX, options.overdueMs);
      for (const deliveryId of overdue) await enqueue(deliveryId, 0);
      return { created, enqueued: overdue.length };
    },
    redeliver: async (deliveryId) => {
      const result = await restartRow(deliveryId);
      if (result === 'pending') await enqueue(deliveryId, 0);
      return result;
    },
  };
}
