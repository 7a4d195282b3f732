import { model, Schema } from 'mongoose';

/** Whether personal data left unlawfully or by accident, so that the rights of its subjects are infringed. */
export const INCIDENT_VERDICTS = ['unclear', 'breach', 'no_breach'] as const;
export type IncidentVerdict = (typeof INCIDENT_VERDICTS)[number];

/** What 152-FZ art. 21(3.1) wants to be told, item by item. */
export const INCIDENT_TOPICS = [
  'event',
  'data',
  'causes',
  'harm',
  'measures',
  'contact',
  'investigation',
  'culprits',
] as const;
export type IncidentTopic = (typeof INCIDENT_TOPICS)[number];

/** To Roskomnadzor: within 24 hours of the detection, and within 72. */
export const INCIDENT_NOTICES = ['first', 'additional'] as const;
export type IncidentNotice = (typeof INCIDENT_NOTICES)[number];

/** A text is sealed under a key of the incident; the newest of a topic stands, the earlier ones stay. */
export type IncidentFact = { topic: IncidentTopic; text: Buffer; at: Date; by: string };

/** What was sent, when, and the number that Roskomnadzor gave it. */
export type SentNotice = { sentAt: Date; noticeNumber?: string; by: string; at: Date };

export type IncidentDocument = {
  _id: string;
  state: 'open' | 'closed';
  verdict: IncidentVerdict;
  /** Both terms run from here. */
  detectedAt: Date;
  openedBy: string;
  /** How many people are affected, as far as is known. */
  subjectCount?: number;
  /** Accounts that are linked to it. */
  accountCount: number;
  facts: IncidentFact[];
  notices: Partial<Record<IncidentNotice, SentNotice>>;
  /** When the next notice has to be out; absent when none is due. */
  dueAt?: Date;
  /** Grows with every change: whoever changes it has to have read the newest. */
  revision: number;
  history: { at: Date; by: string; event: string; note?: string }[];
  closedAt?: Date;
};

const incidentSchema = new Schema<IncidentDocument>(
  {
    _id: { type: String, required: true },
    state: { type: String, enum: ['open', 'closed'], required: true },
    verdict: { type: String, enum: INCIDENT_VERDICTS, required: true },
    detectedAt: { type: Date, required: true },
    openedBy: { type: String, required: true },
    subjectCount: Number,
    accountCount: { type: Number, required: true },
    facts: { type: Schema.Types.Mixed, required: true },
    notices: { type: Schema.Types.Mixed, required: true },
    dueAt: Date,
    revision: { type: Number, required: true },
    history: { type: Schema.Types.Mixed, required: true },
    closedAt: Date,
  },
  { collection: 'incidents', versionKey: false, strict: 'throw' },
);
incidentSchema.index({ state: 1, dueAt: 1 });
incidentSchema.index({ closedAt: 1 }, { partialFilterExpression: { closedAt: { $exists: true } } });

export const Incident = model('Incident', incidentSchema);

/** An account whose data an incident concerns. `_id` is made of both, so that it is linked once. */
export type IncidentAccountDocument = {
  _id: string;
  incidentId: string;
  accountId: string;
  at: Date;
  by: string;
  /** The incident's own end. */
  closedAt?: Date;
};

const accountSchema = new Schema<IncidentAccountDocument>(
  {
    _id: { type: String, required: true },
    incidentId: { type: String, required: true },
    accountId: { type: String, required: true },
    at: { type: Date, required: true },
    by: { type: String, required: true },
    closedAt: Date,
  },
  { collection: 'incident_accounts', versionKey: false, strict: 'throw' },
);
accountSchema.index({ incidentId: 1, _id: 1 });
accountSchema.index({ accountId: 1, _id: 1 });
accountSchema.index({ closedAt: 1 }, { partialFilterExpression: { closedAt: { $exists: true } } });

export const IncidentAccount = model('IncidentAccount', accountSchema);
