import { model, Schema } from 'mongoose';

export const CONTACT_LANGUAGES = ['ru', 'en'] as const;
export type ContactLanguage = (typeof CONTACT_LANGUAGES)[number];

/** How to write to an account's owner. Apart from the account's document, which every request touches. */
export type AccountContactDocument = {
  /** The account's id. */
  _id: string;
  /** Sealed under the account's key, as it was given. */
  email: Buffer;
  /** Finds the row without telling the address (src/privacy/email-index.ts). */
  emailIndex: string;
  language: ContactLanguage;
  changedAt: Date;
  /** A member of staff, or a script. */
  changedBy: string;
};

const accountContactSchema = new Schema<AccountContactDocument>(
  {
    _id: { type: String, required: true },
    email: { type: Buffer, required: true },
    emailIndex: { type: String, required: true },
    language: { type: String, enum: CONTACT_LANGUAGES, required: true },
    changedAt: { type: Date, required: true },
    changedBy: { type: String, required: true },
  },
  { collection: 'account_contacts', versionKey: false, strict: 'throw' },
);
// Not unique: one person may own several accounts.
accountContactSchema.index({ emailIndex: 1 });

export const AccountContact = model('AccountContact', accountContactSchema);
