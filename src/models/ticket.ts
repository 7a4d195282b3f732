import { model, Schema } from 'mongoose';

/** open <-> answered, either -> resolved, and back to open when somebody writes again. */
export const TICKET_STATES = ['open', 'answered', 'resolved'] as const;
export type TicketState = (typeof TICKET_STATES)[number];

export const TICKET_PRIORITIES = ['normal', 'high', 'urgent'] as const;
export type TicketPriority = (typeof TICKET_PRIORITIES)[number];

/** `system` tells the owner what was done with the account's data; `note` is for staff only. */
export const MESSAGE_KINDS = ['customer', 'reply', 'note', 'system'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** A message without its text, which stands at the same place of `texts`. */
export type TicketMessage = { at: Date; kind: MessageKind /** A key, a member of staff, or a script. */; by: string };

/** What an account's owner and support write to each other. All that people typed is sealed under the account's key. */
export type TicketDocument = {
  _id: string;
  accountId: string;
  requestId?: string;
  state: TicketState;
  priority: TicketPriority;
  subject: Buffer;
  messages: TicketMessage[];
  texts: Buffer[];
  /** The owner lets support see the content of the request that the ticket names. */
  contentConsent: boolean;
  assignee?: string;
  /** Refunds that were proposed from here. */
  adjustmentIds: string[];
  createdAt: Date;
  updatedAt: Date;
  /** When the owner must have an answer; only while the ticket is open. */
  dueAt?: Date;
  firstReplyAt?: Date;
  closedAt?: Date;
};

const ticketSchema = new Schema<TicketDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    requestId: String,
    state: { type: String, enum: TICKET_STATES, required: true },
    priority: { type: String, enum: TICKET_PRIORITIES, required: true },
    subject: { type: Buffer, required: true },
    messages: { type: Schema.Types.Mixed, required: true },
    texts: { type: [Buffer], required: true },
    contentConsent: { type: Boolean, required: true },
    assignee: String,
    adjustmentIds: { type: [String], required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    dueAt: Date,
    firstReplyAt: Date,
    closedAt: Date,
  },
  { collection: 'tickets', versionKey: false, strict: 'throw' },
);
ticketSchema.index({ accountId: 1, _id: -1 });
ticketSchema.index({ assignee: 1, _id: -1 });
ticketSchema.index({ state: 1, dueAt: 1 });
ticketSchema.index({ closedAt: 1 }, { partialFilterExpression: { closedAt: { $exists: true } } });

export const Ticket = model('Ticket', ticketSchema);
