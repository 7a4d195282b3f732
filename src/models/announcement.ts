import { model, Schema } from 'mongoose';

/** draft -> published -> ended; a draft may end without having been shown. */
export const ANNOUNCEMENT_STATES = ['draft', 'published', 'ended'] as const;
export type AnnouncementState = (typeof ANNOUNCEMENT_STATES)[number];

/** Owners of accounts are told by the API, staff on the overview of the back-office. */
export const AUDIENCES = ['everybody', 'owners', 'staff'] as const;
export type Audience = (typeof AUDIENCES)[number];

export type InBothLanguages = { ru: string; en: string };

/** Something that many have to know, such as a maintenance. Nothing about a person but who of staff wrote it. */
export type AnnouncementDocument = {
  _id: string;
  state: AnnouncementState;
  audience: Audience;
  title: InBothLanguages;
  text: InBothLanguages;
  draftedBy: string;
  draftedAt: Date;
  publishedBy?: string;
  publishedAt?: Date;
  /** Not shown from then on, whether it was ended or its time was over; its term of keeping counts from here. */
  endsAt?: Date;
  endedBy?: string;
  endedAt?: Date;
};

const announcementSchema = new Schema<AnnouncementDocument>(
  {
    _id: { type: String, required: true },
    state: { type: String, enum: ANNOUNCEMENT_STATES, required: true },
    audience: { type: String, enum: AUDIENCES, required: true },
    title: { type: Schema.Types.Mixed, required: true },
    text: { type: Schema.Types.Mixed, required: true },
    draftedBy: { type: String, required: true },
    draftedAt: { type: Date, required: true },
    publishedBy: String,
    publishedAt: Date,
    endsAt: Date,
    endedBy: String,
    endedAt: Date,
  },
  { collection: 'announcements', versionKey: false, strict: 'throw' },
);
announcementSchema.index({ state: 1, _id: -1 });
announcementSchema.index({ endsAt: 1 }, { partialFilterExpression: { endsAt: { $exists: true } } });

export const Announcement = model('Announcement', announcementSchema);
