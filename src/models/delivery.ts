import { model, Schema } from 'mongoose';

/** An outbound webhook event and the log of its delivery attempts. Derived from a terminal request, so it cannot be lost. */

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'disabled'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];
export const DELIVERY_TYPES = ['request.completed', 'request.failed', 'request.cancelled'] as const;
export type DeliveryType = (typeof DELIVERY_TYPES)[number];

/** `outcome` is a short code such as `http`, `timeout`, `blocked_address`; the receiver's answer is not kept beyond its status. */
export type DeliveryAttempt = { at: Date; outcome: string; status?: number; ms: number };

export type DeliveryDocument = {
  /** `evt_` and the request's identifier: one event per request, the receiver's dedupe key (`webhook-id`). */
  _id: string;
  requestId: string;
  accountId: string;
  keyId: string;
  type: DeliveryType;
  /** Encrypted under the account's data key. */
  url: Buffer;
  /** The url came from the key's settings rather than from the request, so a 410 disables it there. */
  fromKey: boolean;
  state: DeliveryState;
  attempt: number;
  nextAttemptAt: Date;
  leaseUntil?: Date;
  /** Random, of the last claim. */
  claimToken?: string;
  attempts: DeliveryAttempt[];
  createdAt: Date;
  deliveredAt?: Date;
};

const deliverySchema = new Schema<DeliveryDocument>(
  {
    _id: { type: String, required: true },
    requestId: { type: String, required: true },
    accountId: { type: String, required: true },
    keyId: { type: String, required: true },
    type: { type: String, enum: DELIVERY_TYPES, required: true },
    url: { type: Buffer, required: true },
    fromKey: { type: Boolean, required: true },
    state: { type: String, enum: DELIVERY_STATES, required: true },
    attempt: { type: Number, required: true },
    nextAttemptAt: { type: Date, required: true },
    leaseUntil: Date,
    claimToken: String,
    attempts: { type: Schema.Types.Mixed, required: true },
    createdAt: { type: Date, required: true },
    deliveredAt: Date,
  },
  { collection: 'deliveries', versionKey: false, minimize: false, strict: 'throw' },
);
deliverySchema.index({ nextAttemptAt: 1 }, { partialFilterExpression: { state: 'pending' } });
deliverySchema.index({ requestId: 1 });
deliverySchema.index({ accountId: 1, _id: -1 });

export const Delivery = model('Delivery', deliverySchema);
