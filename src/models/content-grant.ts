import { model, Schema } from 'mongoose';

/** That one member of staff may see the content of one request for a short time, and whether they did. Kept as evidence. */
export type ContentGrantDocument = {
  _id: string;
  ticketId: string;
  requestId: string;
  accountId: string;
  staffId: string;
  reason: string;
  at: Date;
  expiresAt: Date;
  /** Given back before its time. */
  endedAt?: Date;
  views: number;
  lastViewedAt?: Date;
};

const grantSchema = new Schema<ContentGrantDocument>(
  {
    _id: { type: String, required: true },
    ticketId: { type: String, required: true },
    requestId: { type: String, required: true },
    accountId: { type: String, required: true },
    staffId: { type: String, required: true },
    reason: { type: String, required: true },
    at: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    endedAt: Date,
    views: { type: Number, required: true },
    lastViewedAt: Date,
  },
  { collection: 'content_grants', versionKey: false, strict: 'throw' },
);
grantSchema.index({ ticketId: 1, _id: -1 });
grantSchema.index({ requestId: 1, _id: -1 });
grantSchema.index({ accountId: 1, _id: -1 });
grantSchema.index({ at: 1 });

export const ContentGrant = model('ContentGrant', grantSchema);
